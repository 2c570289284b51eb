"""`python -m proof.bench.scaling --over connections`: payments a second and their p99 over connections or workers.

Every round measures each number once, and pgbench TPC-B before them all: ratios are of the same minutes.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import click
import psycopg

from proof.bench import buying
from proof.bench.curves import Curve, draw
from proof.bench.figures import Spread, spread
from proof.bench.meters import Meters
from proof.bench.offers import Offers
from proof.bench.paid import Paid, pay
from proof.bench.pgbench import Pgbench
from proof.server import Server, environ_of, serving
from proof.shop import new_database, own_server

CUSTOMERS = 20_000
NUMBERS = {"connections": (1, 4, 16, 64, 128, 256, 512), "workers": (1, 2, 3, 4, 6)}
CONNECTIONS, WORKERS = 128, 2
"""Of that which stays the same."""
CURVES = Path("docs/curves")
_COLUMNS = {"rate": "payments a second", "ratio": "× pgbench's best", "p50": "p50 ms", "p99": "p99 ms"}
_DIGITS = {"rate": 0, "ratio": 2, "p50": 1, "p99": 1}
_CLIENTS = (8, 32)
_MOST = 13_000
"""Payments a second that are prepared for."""


class Ran(NamedTuple):
    """One window of one round, as Paid; `ratio` is over pgbench's best of the round."""

    rate: float
    p50: float
    p99: float
    ratio: float


class Goods(NamedTuple):
    """What is bought, and who seals the offers."""

    purchases: Iterator[buying.Purchase]
    offers: Offers


@click.command()
@click.option("--over", type=click.Choice(list(NUMBERS)), required=True)
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option("--seconds", type=click.FloatRange(0.5), default=4.0, show_default=True)
@click.option("--draw", "drawn", is_flag=True, help=f"Write the curves into {CURVES}.")
def main(over: str, rounds: int, seconds: float, drawn: bool) -> None:
    """Measure payments of three books over HTTPS with more and more connections, or workers."""
    with own_server() as (place, url):
        seen = _measure(place, url, over, rounds, seconds)
    click.echo(_table(over, seen))
    if drawn:
        _draw(over, seen)


def _measure(place: Path, url: str, over: str, rounds: int, seconds: float) -> dict[int, list[Ran]]:
    shop, pgbench_url = buying.stocked(new_database(url, "shop"), place, CUSTOMERS), new_database(url, "tpcb")
    buyers = buying.buyers(shop.keyring, CUSTOMERS, "HMAC-SHA256")
    goods = Goods(buying.purchases(buyers, buying.books(shop.url).real, 3), Offers(shop))
    environ = environ_of(shop)
    seen: dict[int, list[Ran]] = {number: [] for number in NUMBERS[over]}
    with psycopg.connect(shop.url, autocommit=True) as connection:
        meters = Meters(connection)
        pgbench = Pgbench(Path(meters.postmaster.exe()).parent / "pgbench", pgbench_url)
        pgbench.fill(20)
        for turn in range(rounds):
            theirs = max(pgbench.run(clients, seconds, WORKERS).rate for clients in _CLIENTS)
            click.echo(f"round {turn + 1}  pgbench {theirs:7,.0f}/s", err=True)
            for number, ran in _round(place, environ, goods, over, seconds):
                seen[number].append(Ran(*ran, ran.rate / theirs))
                click.echo(f"round {turn + 1}  {number:4} {over} {ran.rate:7,.0f}/s  p99 {ran.p99:.1f} ms", err=True)
    return seen


def _round(place: Path, environ: dict[str, str], goods: Goods, over: str, seconds: float) -> Iterator[tuple[int, Paid]]:
    """Each number once: on one server when it is connections, on a new one for each when it is workers."""
    workers = NUMBERS["workers"] if over == "workers" else (WORKERS,)
    for count in workers:
        with ExitStack() as stack:
            server = stack.enter_context(serving(place / "server", environ, workers=count, tls=True))
            for _ in range(count):
                _pay(server, goods, CONNECTIONS, 2.0)
            for connections in NUMBERS["connections"] if over == "connections" else (CONNECTIONS,):
                yield (connections if over == "connections" else count), _pay(server, goods, connections, seconds)


def _pay(server: Server, goods: Goods, connections: int, seconds: float) -> Paid:
    most = int(min(_MOST, 1500 * connections) * seconds)
    return pay(server.target, goods.purchases, goods.offers, connections=connections, seconds=seconds, most=most)


def _of(runs: Sequence[Ran], figure: str) -> Spread:
    return spread([getattr(ran, figure) for ran in runs])


def _table(over: str, seen: dict[int, list[Ran]]) -> str:
    """In Markdown: the median of the rounds, and the least and the greatest."""
    lines = [f"| {over} | {' | '.join(_COLUMNS.values())} |", "| ---: |" + " ---: |" * len(_COLUMNS)]
    for number, runs in seen.items():
        cells = [_cell(_of(runs, figure), _DIGITS[figure]) for figure in _COLUMNS]
        lines.append(f"| {number} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(seen: Spread, digits: int) -> str:
    least, median, most = (f"{value:,.{digits}f}" for value in seen)
    return f"{median} ({least}–{most})"


def _draw(over: str, seen: dict[int, list[Ran]]) -> None:
    for figure, name in (("rate", over), ("p99", f"{over}-p99")):
        points = [(float(number), _of(runs, figure).median) for number, runs in seen.items()]
        draw(CURVES / f"{name}.svg", f"Payments over {over}", over, [Curve(_COLUMNS[figure], points)])


if __name__ == "__main__":
    main()
