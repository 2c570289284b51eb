"""`python -m proof.bench.overload`: ten times the connections that keep it busy, which repeat at once when refused.

In turns as many connections as the queue takes, for the best rate, and ten times as many, none of which waits when it
is told to come back later. Each stretch of overload is compared with what was paid right before and after it, so that a
machine which others slow down does not pass for a server that gives way. Each second's payments and refusals make the
curve.
"""

import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import click
import psycopg

from lingdang.ledger.reconcile import reconcile
from proof.bench import buying
from proof.bench.curves import Curve, draw
from proof.bench.figures import spread
from proof.bench.load import Answer, Flow, Load, percentile, run
from proof.bench.offers import Offers
from proof.bench.tables import Line, show
from proof.server import Server, environ_of, serving
from proof.shop import new_database, own_server

CUSTOMERS = 20_000
CONNECTIONS = 256
TIMES = 10
AIM, FLOOR = 0.9, 0.4
"""Goodput under overload over the best; below the floor the command fails, generous because machines are shared."""
LATEST = 3.0
"""Seconds that the slowest hundredth of the accepted payments may take under overload. Who repeats at once, as all do
here, is not read for the second or two for which it was sent away."""
CURVE = Path("docs/curves/overload.svg")


class Phase(Load):
    """One phase's answers, second by second."""

    def __init__(self) -> None:
        super().__init__()
        self.paid: Counter[int] = Counter()
        self.refused: Counter[int] = Counter()
        self.paid_latencies: list[float] = []
        self.server_seconds = 0.0
        """CPU time of the server."""
        self._began = time.perf_counter()

    def add(self, answer: Answer, seconds: float) -> None:
        """Count one answer in its second."""
        second = int(time.perf_counter() - self._began)
        if answer.status == 200:
            self.paid[second] += 1
            self.paid_latencies.append(seconds)
        else:
            self.refused[second] += 1
        self.outcomes["200" if answer.status == 200 else answer.outcome] += 1

    def begin(self) -> None:
        """Time counts from here."""
        self._began = time.perf_counter()

    def rates(self) -> list[float]:
        """Payments of each whole second but the first, in which connections begin."""
        return [float(self.paid[second]) for second in range(1, int(self.seconds))]

    def p99(self) -> float:
        """Seconds within which all but a hundredth of the payments were answered."""
        return percentile(sorted(self.paid_latencies), 0.99)


class Stretch(NamedTuple):
    """Some seconds of overload between two of as many connections as are served."""

    before: Phase
    under: Phase
    after: Phase

    def ratio(self) -> float:
        """What was paid in a second, over the mean of before and after: each second's median."""
        before, under, after = (statistics.median(phase.rates()) for phase in self)
        return 2 * under / (before + after)


@click.command()
@click.option("--stretches", type=click.IntRange(1), default=5, show_default=True, help="Of overload.")
@click.option("--seconds", type=click.FloatRange(5), default=60.0, show_default=True, help="Of each.")
@click.option("--rest", type=click.FloatRange(5), default=20.0, show_default=True, help="Seconds before and after it.")
@click.option("--tls/--http", default=True, show_default=True)
@click.option("--draw", "drawn", is_flag=True, help=f"Write the curve into {CURVE}.")
def main(stretches: int, seconds: float, rest: float, tls: bool, drawn: bool) -> None:
    """Overload the server, and compare what it pays with its best."""
    lengths = [(CONNECTIONS, rest), *[(CONNECTIONS * TIMES, seconds), (CONNECTIONS, rest)] * stretches]
    with own_server() as (place, url), ExitStack() as stack:
        phases = _phases(place, new_database(url, "overloaded"), stack, lengths, tls)
    under = spread([Stretch(*phases[place : place + 3]).ratio() for place in range(0, len(phases) - 2, 2)])
    latest = spread([phase.p99() for phase in phases[1::2]])
    click.echo(
        show(
            [
                Line("payments under overload × before and after", AIM, under),
                Line("p99 of the accepted under overload, s", LATEST, latest, most=True),
            ]
        )
    )
    for phase, (connections, _) in zip(phases, lengths, strict=True):
        click.echo(_told(phase, connections))
    if drawn:
        _draw(phases)
    sys.exit(0 if under.median >= FLOOR and latest.median <= LATEST else 1)


def _told(phase: Phase, connections: int) -> str:
    return (
        f"{connections:5,} connections: {statistics.median(phase.rates()):6,.0f} paid,"
        f" {sum(phase.refused.values()) / phase.seconds:6,.0f} refused a second,"
        f" p50 {percentile(sorted(phase.paid_latencies), 0.5) * 1e3:4.0f} ms, p99 {phase.p99() * 1e3:5.0f} ms,"
        f" {phase.server_seconds / phase.seconds:4.0%} of a core"
    )


def _phases(place: Path, url: str, stack: ExitStack, lengths: Sequence[tuple[int, float]], tls: bool) -> list[Phase]:
    shop = buying.stocked(url, place, CUSTOMERS)
    environ = environ_of(shop) | {"LINGDANG_QUEUE_LIMIT": str(CONNECTIONS)}
    server = stack.enter_context(serving(place / "server", environ, workers=1, tls=tls))
    buyers = buying.buyers(shop.keyring, CUSTOMERS, "HMAC-SHA256")
    made = Offers(shop).payments(buying.purchases(buyers, buying.books(url).real, 3))
    phases = [_phase(server, made, connections, seconds) for connections, seconds in lengths]
    _check(url, phases)
    return phases


def _phase(server: Server, made: Iterator[bytes], connections: int, seconds: float) -> Phase:
    phase = Phase()
    flows = [_insistent(made) for _ in range(connections)]
    before = server.cpu_seconds()
    run(server.target, flows, seconds, phase)
    phase.server_seconds = server.cpu_seconds() - before
    return phase


def _insistent(made: Iterator[bytes]) -> Flow:
    """Payment after payment; one that is refused is sent again at once, unchanged."""
    for request in made:
        while (yield request).status == 503:
            pass


def _check(url: str, phases: Sequence[Phase]) -> None:
    strange = {name for phase in phases for name in phase.outcomes} - {"200", "503 overloaded"}
    if strange:
        raise click.ClickException(f"answers that there should not be: {strange}")
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("SELECT count(*) FROM orders").fetchone()
        findings = reconcile(connection)
    paid = sum(phase.outcomes["200"] for phase in phases)
    if row != (paid,) or findings.differences:
        raise click.ClickException(f"{paid} answered, {row} orders, {findings.differences[:3]}")


def _draw(phases: Sequence[Phase]) -> None:
    paid: list[tuple[float, float]] = []
    refused: list[tuple[float, float]] = []
    began = 0
    for phase in phases:
        whole = int(phase.seconds)
        paid += [(began + second, phase.paid[second]) for second in range(whole)]
        refused += [(began + second, phase.refused[second]) for second in range(whole)]
        began += whole
    curves = [Curve("paid", paid), Curve("refused", refused)]
    draw(CURVE, "Ten times the load in turns with what is served, answers a second", "seconds", curves)


if __name__ == "__main__":
    main()
