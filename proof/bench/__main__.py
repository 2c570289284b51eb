"""`python -m proof.bench`: makes a shop in a temporary directory, measures it, and says what it saw."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import psycopg

from lingdang.clock import rfc3339, system_clock
from lingdang.keys import Keyring
from lingdang.settings import SIGN_TYPES, SignType
from proof.bench import buying, goals, vouchers
from proof.bench import report as reports
from proof.bench.awake import Awake
from proof.bench.figures import rows
from proof.bench.meters import Meters
from proof.bench.offers import Offers
from proof.bench.pgbench import Pgbench
from proof.bench.plan import Goods, Plan
from proof.bench.rounds import Bench
from proof.server import clean_environ, environ_of, lingdang, serving
from proof.shop import new_database, own_server

WORKLOADS = (
    "payments", "checkouts", "orders", "cart", "vouchers", "hot", "paced", "pgbench", "held", "statements",
)  # fmt: skip
PROTOCOLS = ("http", "https")
PAGE = Path("docs/performance.md")
FLOORS = Path(__file__).with_name("floors.toml")

_SHOWN = (
    "server_version",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_sync_method",
    "wal_compression",
    "shared_buffers",
    "max_wal_size",
    "checkpoint_timeout",
)
_HOT_BOOKS = 999
"""Books of which one at a time is in every purchase."""
_DURABLE = ("fsync", "synchronous_commit", "full_page_writes")


class Choice(Plan, frozen=True, kw_only=True):
    """The plan, and the shop it is carried out on."""

    customers: int
    workers: int
    scale: int
    sign_type: SignType
    protocols: tuple[str, ...]


def _numbers(_context: click.Context, _option: click.Parameter, text: str | None) -> tuple[int, ...] | None:
    try:
        return None if text is None else tuple(int(part) for part in text.split(","))
    except ValueError:
        raise click.BadParameter("numbers, separated by commas") from None


@click.command()
@click.option("--rounds", type=click.IntRange(1), help="[default: 3]")
@click.option("--seconds", type=click.FloatRange(0.5), help="Of each window. [default: 5]")
@click.option("--connections", callback=_numbers, help="[default: 1,64,256]")
@click.option("--customers", type=click.IntRange(300), help="[default: 20000]")
@click.option("--scale", type=click.IntRange(1), help="pgbench's scale. [default: 20]")
@click.option("--workers", type=click.IntRange(1), default=os.cpu_count, help="The server's. [default: one a core]")
@click.option("--sign", "sign_type", type=click.Choice(SIGN_TYPES), default="HMAC-SHA256", show_default=True)
@click.option(
    "--protocol",
    "protocols",
    type=click.Choice(PROTOCOLS),
    multiple=True,
    default=("https",),
    show_default=True,
    help="May be repeated. A server for each: while one is measured, the other, idle, seals the journal beside it.",
)
@click.option("--only", type=click.Choice(WORKLOADS), multiple=True, help="May be repeated. [default: all]")
@click.option("--short", is_flag=True, help="One round of few seconds at 64 connections, for CI.")
@click.option(
    "--floors",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=FLOORS,
    help="What is accepted at least. [default: the repository's]",
)
@click.option("--write-doc", is_flag=True, help=f"Put the figures into {PAGE}.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("bench-results"), show_default=True)
def main(short: bool, floors: Path, write_doc: bool, out: Path, **options: Any) -> None:
    """Measure signed payments, checkouts and whole orders side by side with pgbench TPC-B.

    Exits with 1 when a payment was refused, the books do not agree with the answers, or a floor is not reached.
    """
    report = _measure(_choice(short, options))
    table = rows(report.windows)
    faults = [
        *report.faults,
        *goals.shortfalls(goals.reached(report.windows), goals.read_floors(floors)),
    ]
    measured = reports.text(report, table)
    click.echo(f"\n{measured}\n")
    name = rfc3339(system_clock())[:19].replace(":", "") + "Z"
    click.echo(f"kept in {reports.store(report, out, name)}")
    if write_doc:
        reports.write_into(PAGE, reports.page(report, table))
    for fault in faults:
        click.echo(f"fault: {fault}", err=True)
    sys.exit(1 if faults else 0)


def _choice(short: bool, options: dict[str, Any]) -> Choice:
    """The options given, over the defaults of the long or the short form."""
    defaults = (
        {
            "only": WORKLOADS,
            "rounds": 1,
            "seconds": 2.0,
            "connections": (64,),
            "customers": 2000,
            "scale": 10,
            "clients": (1, 8, 32),
            "rested": False,
        }
        if short
        else {
            "only": WORKLOADS,
            "rounds": 3,
            "seconds": 5.0,
            "connections": (1, 64, 256),
            "customers": 20_000,
            "scale": 20,
            "clients": (1, 8, 32),
            "rested": True,
        }
    )
    given = {name: value for name, value in options.items() if value not in (None, ())}
    chosen = {**defaults, **given, "threads": os.cpu_count() or 1}
    return Choice(**chosen | {"only": frozenset(chosen["only"])})


def _measure(choice: Choice) -> reports.Report:
    with own_server() as (place, url):
        return _measure_on(choice, place, url)


def _measure_on(choice: Choice, place: Path, url: str) -> reports.Report:
    _say(f"filling the shop: {choice.customers} customers")
    shop, pgbench_url = buying.stocked(new_database(url, "shop"), place, choice.customers), new_database(url, "tpcb")
    environ = environ_of(shop)
    with ExitStack() as stack:
        connection = stack.enter_context(psycopg.connect(shop.url, autocommit=True))
        awake = stack.enter_context(Awake())
        meters = Meters(connection, awake.paused)
        pgbench = Pgbench(Path(meters.postmaster.exe()).parent / "pgbench", pgbench_url)
        if "pgbench" in choice.only:
            _say(f"filling pgbench: scale {choice.scale}")
            pgbench.fill(choice.scale)
        servers = {
            protocol: stack.enter_context(
                serving(place / protocol, environ, workers=choice.workers, tls=protocol == "https")
            )
            for protocol in choice.protocols
        }
        vouchers.define(connection, choice.customers)
        goods = _goods(choice, shop.keyring, buying.books(shop.url))
        bench = Bench(choice, servers, meters, pgbench, connection, Offers(shop), goods, _say)
        _say("warming up")
        bench.warm_up(choice.customers, choice.workers)
        connection.execute("CHECKPOINT")
        bench.run()
        return _report(choice, bench, meters, *_reconcile(place, environ))


def _goods(choice: Choice, keyring: Keyring, books: buying.Books) -> Goods:
    def buyers(prefix: str, customers: int) -> list[buying.Buyer]:
        return buying.buyers(keyring, customers, choice.sign_type, prefix)

    def looking(prefix: str, customers: int, count: int) -> Iterator[buying.Purchase]:
        while True:  # what is only checked out can be had again
            yield from buying.purchases(buyers(prefix, customers), books.real, count)

    everybody = buyers("cust-", choice.customers)
    hot = everybody[::2]  # the odd ones: what is hot is bought by these, and by the others what it is compared with
    return Goods(
        choice.customers,
        buying.purchases(everybody, books.real, 3),
        {
            "checkouts-hot": looking("hot-", choice.customers, 3),
            "checkouts-20": looking("nobody-", vouchers.HOLDERS, 20),
            "checkouts-20x20": looking("holder-", vouchers.HOLDERS, 20),
        },
        iter(books.hot[-_HOT_BOOKS:]),
        buying.purchases(hot, books.house, 3),
        [buying.purchases([buyer], books.hot[:-_HOT_BOOKS], 3) for buyer in hot[: choice.rounds]],
    )


def _reconcile(place: Path, environ: dict[str, str]) -> tuple[str, bool]:
    """What `lingdang reconcile` says at the end, and whether it found no difference."""
    _say("reconciling")
    command = lingdang("reconcile", data_dir=place / "reconcile")
    done = subprocess.run(command, capture_output=True, text=True, env=clean_environ() | environ, check=False)
    return (done.stdout or done.stderr).strip().splitlines()[-1], done.returncode == 0


def _report(choice: Choice, bench: Bench, meters: Meters, reconciled: str, agrees: bool) -> reports.Report:
    database = {name: meters.value(f"SHOW {name}") for name in _SHOWN}
    faults = [
        *bench.faults,
        *([] if agrees else [f"reconcile: {reconciled}"]),
        *(f"{name} is {database[name]}" for name in _DURABLE if database[name] != "on"),
    ]
    return reports.Report(
        machine=reports.machine(),
        database=database,
        settings={
            "cores": os.cpu_count(),
            "workers": choice.workers,
            "customers": choice.customers,
            "sign type": choice.sign_type,
            "rounds": choice.rounds,
            "seconds": choice.seconds,
            "pgbench scale": choice.scale,
        },
        windows=bench.windows,
        yardsticks=bench.yardsticks,
        disk=bench.disk,
        statements=bench.statements,
        reconciled=reconciled,
        faults=faults,
    )


def _say(text: str) -> None:
    click.echo(text, err=True)


if __name__ == "__main__":
    main()
