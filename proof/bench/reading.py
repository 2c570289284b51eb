"""`python -m proof.bench.reading`: how long after its answer a reader of the journal has a payment's row."""

import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import click
import psycopg

from proof.bench import buying, following
from proof.bench.load import Answer, Flow, Load, between, percentile, prepared, run
from proof.bench.offers import Offers
from proof.bench.paced import run_paced
from proof.server import Target, environ_of, serving
from proof.shop import new_database, own_server

CUSTOMERS = 20_000
CONNECTIONS = 64
WARM_UP_SECONDS = 5.0
GOAL = 0.1
"""Seconds within which a reader is to see what was answered."""
_DRAIN_SECONDS = 30.0

_ORDERS = "SELECT cause::text, customer, seq FROM transfer WHERE kind = 'payment'"
_LAST = "SELECT customer, seq FROM transfer ORDER BY position DESC, customer DESC, seq DESC LIMIT 1"

Row = tuple[int, int]
"""A customer and a seq."""


class Answered(Load):
    """A load that knows when each order was answered, on the monotonic clock."""

    def __init__(self) -> None:
        super().__init__()
        self.at: dict[str, float] = {}

    def add(self, answer: Answer, seconds: float) -> None:
        """Count the answer, and keep its moment."""
        self.at[between(answer.body, b'"orderId":"', b'"').decode()] = time.monotonic()
        super().add(answer, seconds)


def lags(answered: Mapping[str, float], rows: Mapping[str, Row], pages: Sequence[following.Page]) -> list[float]:
    """Seconds from each answer until its row was seen, sorted; 0 where the reader was first, infinite where never."""
    seen = {(place.customer, place.seq): page.at for page in pages for place in page.places}
    return sorted(max(0.0, seen.get(rows[order], float("inf")) - at) for order, at in answered.items())


@click.command()
@click.option("--seconds", type=click.FloatRange(1), default=10.0, show_default=True, help="Of each window.")
@click.option("--windows", type=click.IntRange(1), default=5, show_default=True)
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True)
def main(seconds: float, windows: int, workers: int) -> None:
    """Pay without a pause, then at half of that pace beside a reader, again and again.

    Exits with 1 when the reader missed a row.
    """
    missed = 0
    with own_server() as (place, url), ExitStack() as stack:
        made = _made(stack, place, new_database(url, "read"), workers)
        run(made.target, _flows(made.payments()), WARM_UP_SECONDS)
        for number in range(1, windows + 1):
            missed += _window(made, number, seconds)
    if missed:
        raise click.ClickException(f"{missed} rows were not seen")


class _Served(NamedTuple):
    """A served shop, and purchases that nobody has made yet."""

    place: Path
    url: str
    target: Target
    offers: Offers
    purchases: Iterator[buying.Purchase]

    def payments(self) -> Iterator[bytes]:
        """Payments of the next purchases."""
        return self.offers.payments(self.purchases)


def _made(stack: ExitStack, place: Path, url: str, workers: int) -> _Served:
    shop = buying.stocked(url, place, CUSTOMERS)
    server = stack.enter_context(serving(place / "server", environ_of(shop), workers=workers, tls=True))
    buyers = buying.buyers(shop.keyring, CUSTOMERS, "HMAC-SHA256")
    return _Served(place, url, server.target, Offers(shop), buying.purchases(buyers, buying.books(url).real, 3))


def _window(made: _Served, number: int, seconds: float) -> int:
    """Measure once and tell it; how many rows the reader has missed."""
    best = run(made.target, _flows(made.payments()), seconds)
    rate = len(best.latencies) / best.seconds / 2
    ready = list(itertools.islice(made.payments(), int(rate * seconds) + 1))
    load, file = Answered(), made.place / f"pages-{number}"
    with following.followed(made.url, file):
        run_paced(made.target, iter(ready), CONNECTIONS, rate, seconds, load)
        _drain(made.url, file)
    found = lags(load.at, _rows(made.url), following.read(file))
    click.echo(f"window {number}, {rate:,.0f} payments/s: {_told(load, found)}")
    return found.count(float("inf"))


def _flows(requests: Iterator[bytes]) -> list[Flow]:
    return [prepared(requests) for _ in range(CONNECTIONS)]


def _told(load: Load, found: Sequence[float]) -> str:
    if set(load.outcomes) != {"200"}:
        raise click.ClickException(f"answers: {dict(load.outcomes)}")
    p50, p99, most = (1000 * value for value in (percentile(found, 0.5), percentile(found, 0.99), found[-1]))
    late = sum(lag > GOAL for lag in found)
    return (
        f"seen p50 {p50:.1f} ms, p99 {p99:.1f} ms, the latest {most:.0f} ms after the answer; "
        f"{late:,} of {len(found):,} later than {1000 * GOAL:.0f} ms"
    )


def _rows(url: str) -> dict[str, Row]:
    with psycopg.connect(url) as connection:
        return {order: (customer, seq) for order, customer, seq in connection.execute(_ORDERS).fetchall()}


def _drain(url: str, file: Path) -> None:
    """Wait until the reader has seen the journal's last row, or for long enough."""
    with psycopg.connect(url) as connection:
        last = connection.execute(_LAST).fetchone()
    end = time.monotonic() + _DRAIN_SECONDS
    while time.monotonic() < end:
        pages = [page for page in following.read(file) if page.places]
        if pages and pages[-1].places[-1][1:] == last:
            return
        time.sleep(0.2)


if __name__ == "__main__":
    main()
