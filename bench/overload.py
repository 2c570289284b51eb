"""`python -m bench.overload`: ten times the connections that keep the server busy, which repeat at once when refused.

First as many connections as the queue takes, for the best rate; then ten times as many, none of which waits when it is
told to come back later; then as many as at first again. Each second's payments, refusals and latencies make the curve.
"""

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import click
import psycopg

from bench import databases, requests, shop
from bench.curves import Curve, draw
from bench.figures import Spread, spread
from bench.load import Answer, Flow, Load, percentile, run
from bench.server import Server, serving
from bench.tables import Line, show
from lingdang.checkout.order_token import OrderTokens
from lingdang.clock import system_clock
from lingdang.keys import Keyring, create_keyring
from lingdang.ledger.reconcile import reconcile

CUSTOMERS = 20_000
CONNECTIONS = 256
TIMES = 10
AIM, FLOOR = 0.9, 0.4
"""Goodput under overload over the best; below the floor the command fails, generous because machines are shared."""
LATEST = 1.0
"""Seconds that the slowest hundredth of the accepted payments may take under overload."""
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


class Phases(NamedTuple):
    """Before, under and after the overload."""

    before: Phase
    under: Phase
    after: Phase


@click.command()
@click.option("--seconds", type=click.FloatRange(5), default=300.0, show_default=True, help="Of overload.")
@click.option("--rest", type=click.FloatRange(5), default=60.0, show_default=True, help="Seconds before and after it.")
@click.option("--tls/--http", default=True, show_default=True)
@click.option("--draw", "drawn", is_flag=True, help=f"Write the curve into {CURVE}.")
def main(seconds: float, rest: float, tls: bool, drawn: bool) -> None:
    """Overload the server, and compare what it pays with its best."""
    with ExitStack() as stack:
        directory = tempfile.TemporaryDirectory(prefix="lingdang-bench-", ignore_cleanup_errors=True)
        place = Path(stack.enter_context(directory))
        url = stack.enter_context(databases.embedded(place / "database"))
        phases = _phases(place, databases.create_shop(url, "overloaded"), stack, seconds, rest, tls)
    best = spread(phases.before.rates()).median
    under = _over(phases.under, best)
    click.echo(
        show([Line("payments under overload × before", AIM, under), _line("after × before", phases.after, best)])
    )
    for name, phase in zip(("before", "under", "after"), phases, strict=True):
        click.echo(
            f"{name}: {dict(phase.outcomes)} in {phase.seconds:.0f} s,"
            f" p50 {percentile(sorted(phase.paid_latencies), 0.5) * 1e3:.0f} ms, p99 {phase.p99() * 1e3:.0f} ms,"
            f" {phase.server_seconds / phase.seconds:.0%} of a core"
        )
    if drawn:
        _draw(phases)
    sys.exit(0 if under.median >= FLOOR and phases.under.p99() <= LATEST else 1)


def _over(phase: Phase, best: float) -> Spread:
    return spread([rate / best for rate in phase.rates()])


def _line(text: str, phase: Phase, best: float) -> Line:
    return Line(text, AIM, _over(phase, best))


def _phases(place: Path, url: str, stack: ExitStack, seconds: float, rest: float, tls: bool) -> Phases:
    shop.fill(url, CUSTOMERS)
    create_keyring(place / "keyring.json", system_clock())
    keyring = Keyring(place / "keyring.json")
    environ = {
        "LINGDANG_DATABASE_URL": url,
        "LINGDANG_KEYRING_FILE": str(keyring.path),
        "LINGDANG_LOG_LEVEL": "warning",
        "LINGDANG_QUEUE_LIMIT": str(CONNECTIONS),
    }
    server = stack.enter_context(serving(place / "server", environ, workers=1, tls=tls))
    tokens = OrderTokens(keyring)
    purchases = shop.purchases(shop.buyers(keyring, CUSTOMERS, "HMAC-SHA256"), shop.books(url).real, 3)
    made = (requests.sealed_payment(purchase, tokens) for purchase in purchases)
    phases = Phases(
        _phase(server, made, CONNECTIONS, rest),
        _phase(server, made, CONNECTIONS * TIMES, seconds),
        _phase(server, made, CONNECTIONS, rest),
    )
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


def _check(url: str, phases: Phases) -> None:
    strange = {name for phase in phases for name in phase.outcomes} - {"200", "503 overloaded"}
    if strange:
        raise click.ClickException(f"answers that there should not be: {strange}")
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("SELECT count(*) FROM orders").fetchone()
        findings = reconcile(connection)
    paid = sum(phase.outcomes["200"] for phase in phases)
    if row != (paid,) or findings.differences:
        raise click.ClickException(f"{paid} answered, {row} orders, {findings.differences[:3]}")


def _draw(phases: Phases) -> None:
    paid: list[tuple[float, float]] = []
    refused: list[tuple[float, float]] = []
    began = 0
    for phase in phases:
        whole = int(phase.seconds)
        paid += [(began + second, phase.paid[second]) for second in range(whole)]
        refused += [(began + second, phase.refused[second]) for second in range(whole)]
        began += whole
    curves = [Curve("paid", paid), Curve("refused", refused)]
    draw(CURVE, f"Ten times the load for {phases.under.seconds:.0f} s, answers a second", "seconds", curves)


if __name__ == "__main__":
    main()
