"""`python -m proof.bench.stalls`: what slow payments wait for, at a pace that the machine could double."""

import itertools
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import click

from proof.bench import databases, shop, waits
from proof.bench.load import Answer, Load, percentile, prepared, run
from proof.bench.offers import Offers
from proof.bench.paced import run_paced
from proof.bench.server import environ_of, serving

CUSTOMERS = 20_000
CONNECTIONS = 64
SLOW = 0.02
"""Seconds: a payment that takes longer is part of a stall, with those that follow it within as long."""
WARM_UP_SECONDS = 10.0
MOST_TOLD = 3
"""Of what was seen during a stall, so much is told: what was seen in the most looks."""


class Timed(Load):
    """A load that knows when each answer came, on the monotonic clock."""

    def __init__(self) -> None:
        super().__init__()
        self.answered: list[tuple[float, float]] = []

    def add(self, answer: Answer, seconds: float) -> None:
        """Count the answer, and keep its moment and how long it took."""
        self.answered.append((time.monotonic(), seconds))
        super().add(answer, seconds)


class Stall(NamedTuple):
    """Slow answers right after each other: from when the first was due, to when the last came."""

    start: float
    end: float
    most: float
    answers: int


def stalls(answered: Sequence[tuple[float, float]]) -> list[Stall]:
    """The stalls among answers, each a moment and a latency in seconds, in the order in which they came."""
    found: list[Stall] = []
    for moment, seconds in answered:
        if seconds <= SLOW:
            continue
        if found and moment - found[-1].end < SLOW:
            start, _, most, answers = found[-1]
            found[-1] = Stall(min(start, moment - seconds), moment, max(most, seconds), answers + 1)
        else:
            found.append(Stall(moment - seconds, moment, seconds, 1))
    return found


def seen(stall: Stall, looks: Sequence[waits.Look]) -> tuple[list[tuple[str, float]], int]:
    """What was done during a stall, each with its share of the looks, most first; and the bytes that were written."""
    during = [look for look in looks if stall.start <= look.at <= stall.end]
    doing = Counter(each for look in during for each in set(look.doing))
    levels = [look.not_written for look in during] or [0]
    return [(each, count / len(during)) for each, count in doing.most_common()], max(levels) - min(levels)


@click.command()
@click.option("--rate", type=click.IntRange(1), default=4500, show_default=True, help="Payments a second.")
@click.option("--seconds", type=click.FloatRange(1), default=10.0, show_default=True, help="Of each window.")
@click.option("--windows", type=click.IntRange(1), default=4, show_default=True)
def main(rate: int, seconds: float, windows: int) -> None:
    """Pay at a set pace, and tell of each stall what the database did and how much the kernel wrote out."""
    with ExitStack() as stack:
        directory = tempfile.TemporaryDirectory(prefix="lingdang-bench-", ignore_cleanup_errors=True)
        place = Path(stack.enter_context(directory))
        made_at = databases.create_shop(stack.enter_context(databases.embedded(place / "database")), "stalled")
        shop.fill(made_at, CUSTOMERS)
        keyring = shop.new_keyring(place)
        environ = environ_of(made_at, keyring)
        server = stack.enter_context(serving(place / "server", environ, workers=2, tls=True))
        purchases = shop.purchases(shop.buyers(keyring, CUSTOMERS, "HMAC-SHA256"), shop.books(made_at).real, 3)
        offers = Offers(keyring, made_at)
        made = offers.payments(purchases)
        run(server.target, [prepared(made) for _ in range(CONNECTIONS)], WARM_UP_SECONDS)
        for number in range(1, windows + 1):
            ready = list(itertools.islice(offers.payments(purchases), int(rate * seconds) + 1))
            load, looks = Timed(), place / f"looks-{number}"
            with waits.watched(made_at, looks):
                began = time.monotonic()
                run_paced(server.target, iter(ready), CONNECTIONS, rate, seconds, load)
            _tell(number, began, load, waits.read(looks))


def _tell(number: int, began: float, load: Timed, looks: Sequence[waits.Look]) -> None:
    if set(load.outcomes) != {"200"}:
        raise click.ClickException(f"answers: {dict(load.outcomes)}")
    latencies = sorted(load.latencies)
    p50, p99 = (percentile(latencies, share) * 1000 for share in (0.5, 0.99))
    click.echo(f"window {number}: p50 {p50:.1f} ms, p99 {p99:.1f} ms, the longest {latencies[-1] * 1000:.0f} ms")
    for stall in stalls(load.answered):
        doing, written = seen(stall, looks)
        click.echo(
            f"  {stall.start - began:6.3f} s  {stall.answers:5} payments, up to {stall.most * 1000:.0f} ms; "
            f"{written / 1e6:.0f} MB written out"
        )
        for each, share in doing[:MOST_TOLD]:
            click.echo(f"            {share:4.0%}  {each}")


if __name__ == "__main__":
    main()
