"""`python -m proof.bench.versions --before REF`: this version beside another one, each served by its own files.

Machines become faster and slower within minutes, so that only what is measured side by side compares. Two servers of
one version differ by some hundredths for as long as they run, so each version is served several times. All are served
all the time; a turn is a window of about a second of each server, and who goes first changes from turn to turn. What
counts is the rate of each workload over the other version's in the same turn, and the median of the turns. CPU is what
server and database take for an operation: it says more than a rate where other processes use the machine.
"""

import io
import statistics
import subprocess
import tarfile
import tempfile
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import click
from rich.console import Console
from rich.progress import track

from proof.bench import requests
from proof.bench.buying import Purchase, purchases
from proof.bench.figures import Spread, spread
from proof.bench.load import Answer, Flow, Load, between, prepared, run
from proof.bench.report import machine
from proof.bench.version_served import Version, version_served

CONNECTIONS = 64
ROUNDS_OF_PAYMENTS = 4
"""So often each customer pays in a window: a payment follows its own checkout, as a customer's does."""
PATIENCE = 600.0


class Rate(NamedTuple):
    """Operations a second, and seconds of CPU for each."""

    rate: float
    cpu: float


class Turn(NamedTuple):
    """What both versions did of one workload in one turn."""

    before: Rate
    now: Rate


class VersionError(Exception):
    """A version refused what was asked. The message says how often, and why."""


class Side:
    """One version with what its customers buy next."""

    def __init__(self, version: Version) -> None:
        self._version = version
        self._next = purchases(version.buyers, version.books, 3)

    def payments(self, _: float) -> Rate:
        """Signed before the clock starts."""
        return self._pay(lambda purchase: requests.checkout(purchase, ()))

    def payments_voucher(self, _: float) -> Rate:
        """The same with a voucher, another one for each payment."""
        given: dict[str, list[str]] = {}
        for _ in range(ROUNDS_OF_PAYMENTS):
            for name, voucher_id in self._version.vouchers().items():
                given.setdefault(name, []).append(voucher_id)
        return self._pay(lambda each: requests.checkout(each, (given[each.buyer.customer.cust_id].pop(),)))

    def orders(self, seconds: float) -> Rate:
        """Tick, checkout, signature and payment of three books."""
        finished = array("d")
        flows = [requests.whole_orders(self._next, finished) for _ in range(CONNECTIONS)]
        return self._measured(flows, seconds, lambda _: len(finished))

    def checkouts(self, seconds: float) -> Rate:
        """With the vouchers that the shop chooses."""
        return self._asked(map(requests.checkout, self._next), seconds)

    def ticks(self, seconds: float) -> Rate:
        """One book each."""
        return self._asked(map(requests.tick, self._next), seconds)

    def _pay(self, checkout: Callable[[Purchase], bytes]) -> Rate:
        rates = [self._pay_once(checkout) for _ in range(ROUNDS_OF_PAYMENTS)]
        return Rate(len(rates) / sum(1 / each.rate for each in rates), sum(each.cpu for each in rates) / len(rates))

    def _pay_once(self, checkout: Callable[[Purchase], bytes]) -> Rate:
        return self._asked(iter(self.signed(checkout)), PATIENCE)

    def signed(self, checkout: Callable[[Purchase], bytes]) -> list[bytes]:
        """One payment of each customer, checked out and signed."""
        chosen = list(islice(self._next, len(self._version.buyers)))
        payments: list[bytes] = []
        self._run([_offered(chosen[first::CONNECTIONS], checkout, payments) for first in range(CONNECTIONS)], PATIENCE)
        return payments

    def _asked(self, made: Iterator[bytes], seconds: float) -> Rate:
        return self._measured([prepared(made) for _ in range(CONNECTIONS)], seconds, lambda load: load.outcomes["200"])

    def _measured(self, flows: Sequence[Flow], seconds: float, count: Callable[[Load], int]) -> Rate:
        before = self._version.server.cpu_seconds()
        load = self._run(flows, seconds)
        done = count(load)
        return Rate(done / load.seconds, (self._version.server.cpu_seconds() - before) / done)

    def _run(self, flows: Sequence[Flow], seconds: float) -> Load:
        load = run(self._version.server.target, flows, seconds)
        if load.outcomes.keys() != {"200"}:
            raise VersionError(f"{self._version.server.url}: {dict(load.outcomes)}")
        return load


WORKLOADS: dict[str, Callable[[Side, float], Rate]] = {
    "payments": Side.payments,
    "payments-voucher": Side.payments_voucher,
    "orders": Side.orders,
    "checkouts": Side.checkouts,
    "ticks": Side.ticks,
}


@click.command()
@click.option("--before", required=True, metavar="REF", help="The version to compare with, as git names it.")
@click.option("--only", type=click.Choice(list(WORKLOADS)), multiple=True, help="May be repeated.")
@click.option("--servers", type=click.IntRange(1), default=3, show_default=True, help="Of each version.")
@click.option("--turns", type=click.IntRange(1), default=20, show_default=True)
@click.option("--seconds", type=click.FloatRange(0.1), default=1.0, show_default=True, help="Of a window.")
@click.option("--customers", type=click.IntRange(CONNECTIONS), default=512, show_default=True)
def main(before: str, only: tuple[str, ...], servers: int, turns: int, seconds: float, customers: int) -> None:
    """Measure payments, with and without a voucher, whole orders, checkouts and ticks of two versions in turns."""
    here = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="lingdang-versions-") as name, ExitStack() as stack:
        folder = Path(name)
        there = unpack(before, folder / "files", here)
        sides = {
            place: [
                Side(stack.enter_context(version_served(tree, folder / f"{place}-{number}", customers)))
                for number in range(servers)
            ]
            for place, tree in (("before", there), ("now", here))
        }
        measured = _measured(sides["before"], sides["now"], only or tuple(WORKLOADS), turns, seconds)
    click.echo("\n".join(f"{name}: {said}" for name, said in machine().items()))
    click.echo(
        f"this version over {before}, {servers} servers each, {turns} turns of {seconds:g} s: median (least to most)"
    )
    click.echo("\n".join(_said(name, of) for name, of in measured.items()))


def unpack(ref: str, into: Path, repository: Path) -> Path:
    """The files of a version, in a folder of their own."""
    packed = subprocess.run(["git", "archive", ref], cwd=repository, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(into, filter="data")
    return into


def ratios(turns: Sequence[Turn]) -> tuple[Spread, Spread]:
    """The rate of one workload over that of before, and likewise what an operation takes of the CPU."""
    return spread([turn.now.rate / turn.before.rate for turn in turns]), spread(
        [turn.now.cpu / turn.before.cpu for turn in turns]
    )


def mean(rates: Sequence[Rate]) -> Rate:
    """What the servers of a version do on the average."""
    return Rate(statistics.fmean(each.rate for each in rates), statistics.fmean(each.cpu for each in rates))


def _measured(
    before: Sequence[Side], now: Sequence[Side], names: Sequence[str], turns: int, seconds: float
) -> dict[str, list[Turn]]:
    """The turns of each workload. The first of all is not counted: what is read once is read in it."""
    measured: dict[str, list[Turn]] = {name: [] for name in names}
    for number in track(range(turns + 1), "turns", console=Console(stderr=True)):
        for name, kept in measured.items():
            pairs = [pair if number % 2 else reversed(pair) for pair in zip(before, now, strict=True)]
            rates = {side: WORKLOADS[name](side, seconds) for pair in pairs for side in pair}
            if number:
                kept.append(Turn(mean([rates[side] for side in before]), mean([rates[side] for side in now])))
    return measured


def _said(name: str, turns: Sequence[Turn]) -> str:
    rate, cost = ratios(turns)
    return f"{name} {_shown(rate)}, CPU {_shown(cost)}"


def _shown(of: Spread) -> str:
    return f"× {of.median:.3f}" + (f" ({of.least:.2f} to {of.most:.2f})" if of.least != of.most else "")


def _offered(chosen: Sequence[Purchase], checkout: Callable[[Purchase], bytes], payments: list[bytes]) -> Flow:
    """Check each out, and keep its payment."""
    for purchase in chosen:
        answer: Answer = yield checkout(purchase)
        if answer.status == 200:
            payments.append(requests.payment(purchase, between(answer.body, b'"orderToken":"', b'"').decode()))


if __name__ == "__main__":
    main()
