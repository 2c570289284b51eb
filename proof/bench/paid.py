"""One window of payments, for the commands beside `python -m proof.bench`."""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import click

from proof.bench.buying import Purchase
from proof.bench.load import percentile, prepared, run
from proof.bench.offers import Offers
from proof.server import Target


class Paid(NamedTuple):
    """Payments a second, and latencies in milliseconds."""

    rate: float
    p50: float
    p99: float


def pay(
    target: Target, purchases: Iterator[Purchase], offers: Offers, *, connections: int, seconds: float, most: int
) -> Paid:
    """Pay what is next, prepared for `most` payments. Raises ClickException when one was refused."""
    ready = iter(list(itertools.islice(offers.payments(purchases), most)))
    load = run(target, [prepared(ready) for _ in range(connections)], seconds)
    if set(load.outcomes) != {"200"}:
        raise click.ClickException(f"answers: {dict(load.outcomes)}")
    ordered = sorted(load.latencies)
    return Paid(len(ordered) / load.seconds, percentile(ordered, 0.5) * 1000, percentile(ordered, 0.99) * 1000)
