"""`python -m proof.bench.soak`: payments for ten minutes, and the memory that they take."""

import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import click
import psutil
import psycopg

from lingdang.ledger.reconcile import reconcile
from proof.bench import buying
from proof.bench.curves import Curve, draw
from proof.bench.figures import spread
from proof.bench.load import prepared, run
from proof.bench.meters import Meters
from proof.bench.offers import Offers
from proof.bench.tables import Line, show
from proof.server import Server, environ_of, serving
from proof.shop import new_database, own_server

CUSTOMERS = 20_000
CONNECTIONS = 64
SAMPLE_SECONDS = 5.0
AIM = 1.05
FLOOR = 1.5
"""Beyond this the command fails."""
CURVE = Path("docs/curves/soak.svg")


class Sample(NamedTuple):
    """Private memory, in bytes, at one moment (seconds from the start)."""

    moment: float
    server: int
    database: int


class Sampler(threading.Thread):
    """Reads the memory of both every few seconds."""

    def __init__(self, server: Server, postmaster: psutil.Process) -> None:
        super().__init__(daemon=True)
        self.samples: list[Sample] = []
        self._server = server
        self._postmaster = postmaster
        self._over = threading.Event()

    def run(self) -> None:
        started = time.monotonic()
        while not self._over.wait(SAMPLE_SECONDS):
            self.samples.append(
                Sample(time.monotonic() - started, _private(self._server.process), _private(self._postmaster))
            )

    def stop(self) -> None:
        self._over.set()
        self.join()


@click.command()
@click.option("--seconds", type=click.FloatRange(20), default=600.0, show_default=True)
@click.option("--draw", "drawn", is_flag=True, help=f"Write the curve into {CURVE}.")
def main(seconds: float, drawn: bool) -> None:
    """Pay without a pause, and compare the memory of the last third with that of the third before."""
    with own_server() as (place, url), ExitStack() as stack:
        payments, samples = _soak(place, url, stack, seconds)
    third = len(samples) // 3
    middle, last = samples[third : 2 * third], samples[-third:]
    growth = [b.server / a.server for a, b in zip(middle, last, strict=True)]
    click.echo(
        show([Line("the server's memory, last third of the time × the third before", AIM, spread(growth), True)])
    )
    click.echo(
        f"{payments:,} payments in {seconds:.0f} s; private memory of the server {_mb(samples[0].server)} MB at first, "
        f"{_mb(middle[0].server)} MB after a third, {_mb(last[-1].server)} MB at the end; of PostgreSQL "
        f"{_mb(samples[0].database)}, {_mb(middle[0].database)} and {_mb(last[-1].database)} MB."
    )
    if drawn:
        curves = [
            Curve("server", [(s.moment, s.server / 1e6) for s in samples]),
            Curve("PostgreSQL", [(s.moment, s.database / 1e6) for s in samples]),
        ]
        draw(CURVE, "Private memory under load, MB", "seconds", curves)
    sys.exit(0 if spread(growth).median <= FLOOR else 1)


def _soak(place: Path, url: str, stack: ExitStack, seconds: float) -> tuple[int, list[Sample]]:
    shop = buying.stocked(new_database(url, "soaked"), place, CUSTOMERS)
    server = stack.enter_context(serving(place / "server", environ_of(shop), workers=2, tls=True))
    connection = stack.enter_context(psycopg.connect(shop.url, autocommit=True))
    buyers = buying.buyers(shop.keyring, CUSTOMERS, "HMAC-SHA256")
    made = Offers(shop).payments(buying.purchases(buyers, buying.books(shop.url).real, 3))
    sampler = Sampler(server, Meters(connection).postmaster)
    sampler.start()
    load = run(server.target, [prepared(made) for _ in range(CONNECTIONS)], seconds)
    sampler.stop()
    if set(load.outcomes) != {"200"}:
        raise click.ClickException(f"answers: {dict(load.outcomes)}")
    findings = reconcile(connection)
    if findings.differences:
        raise click.ClickException(f"the books do not agree: {findings.differences[:3]}")
    return load.outcomes["200"], sampler.samples


def _private(process: psutil.Process) -> int:
    """Memory that is a process's and its children's alone: no files, and no shared buffers, whoever touched them."""
    total = 0
    for each in (process, *process.children(recursive=True)):
        try:
            memory = each.memory_info()
            total += memory.rss - memory.shared
        except psutil.NoSuchProcess:
            continue
    return total


def _mb(size: int) -> str:
    return f"{size / 1e6:.0f}"


if __name__ == "__main__":
    main()
