"""The figures: of one window, and of one row of the table, which is the same window in every round."""

import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from proof.bench.meters import Batches

REFERENCE = ("pgbench/8", "pgbench/32")
"""The ratios are to the better of these, in the same round."""


class Beside(msgspec.Struct, frozen=True):
    """What another workload was like that was measured in turns with this one: its rate, and seconds of CPU each."""

    rate: float
    cpu: float


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """One workload for some seconds. Times are in seconds, CPU is the sum over a class's processes."""

    name: str
    """Workload, protocol and connections, or `pgbench` and clients."""
    round: int
    operations: int
    """Payments, checkouts, orders or transactions that succeeded."""
    rate: float
    """Operations a second."""
    p50: float | None
    p99: float | None
    mean: float
    outcomes: dict[str, int]
    wal_bytes: int
    server_cpu: float
    postgres_cpu: float
    generator_cpu: float
    generator_share: float
    """The generator's CPU time as a part of one core."""
    others_share: float
    """The CPU time of processes that are no part of the benchmark, as a part of the machine's."""
    batches: Batches
    beside: Beside | None = None
    """What it was measured in turns with."""

    @property
    def cpu(self) -> float:
        """Seconds of CPU of server and PostgreSQL for each operation."""
        return (self.server_cpu + self.postgres_cpu) / max(1, self.operations)


PAIRS = {
    "payments-voucher": "payments",
    "payments-hot-customer": "payments",
    "payments-hot-book": "payments",
    "payments-hot-publisher": "payments",
    "payments-hot-voucher": "payments-voucher",
    "checkouts-hot": "checkouts",
    "checkouts-20x20": "checkouts-20",
}
"""Workloads with vouchers or with something that everybody wants, and the same without."""


class Spread(NamedTuple):
    """The least, the middle and the greatest of the rounds' figures."""

    least: float
    median: float
    most: float


class Row(NamedTuple):
    """One line of the table."""

    name: str
    rate: Spread
    ratio: Spread | None
    windows: list[Window]

    def each(self, amount: str) -> float:
        """The median over the rounds of one of a window's amounts for each operation."""
        return float(statistics.median(getattr(w, amount) / max(1, w.operations) for w in self.windows))

    def latency(self, which: str) -> float | None:
        """The median over the rounds of `p50` or `p99`, in seconds."""
        known = [value for w in self.windows if (value := getattr(w, which)) is not None]
        return statistics.median(known) if known else None

    @property
    def batch(self) -> float | None:
        """Commands in a batch, on average."""
        batches = sum(w.batches.count for w in self.windows)
        return sum(w.batches.commands for w in self.windows) / batches if batches >= 1 else None


def spread(values: Sequence[float]) -> Spread:
    return Spread(min(values), statistics.median(values), max(values))


def rows(windows: Sequence[Window]) -> list[Row]:
    """One row for each name, in the order of the first round."""
    best: dict[int, float] = {}
    for window in windows:
        if window.name in REFERENCE:
            best[window.round] = max(best.get(window.round, 0.0), window.rate)
    names = dict.fromkeys(window.name for window in windows)
    return [_row(name, [w for w in windows if w.name == name], best) for name in sorted(names, key=_order)]


def paired(windows: Sequence[Window]) -> dict[str, Spread]:
    """The rate of each of PAIRS over that beside it, in the same rounds."""
    ratios: dict[str, list[float]] = {}
    for named in by_round(windows):
        for window in named.values():
            if (without := rate_beside(window, named)) is not None:
                ratios.setdefault(window.name, []).append(window.rate / without)
    return {name: spread(values) for name, values in ratios.items()}


def rate_beside(window: Window, named: Mapping[str, Window]) -> float | None:
    """The rate of one of PAIRS without what is hot: measured in turns with it, or else in its round and place."""
    kind, _, place = window.name.partition("/")
    if kind not in PAIRS:
        return None
    other = window.beside or named.get(f"{PAIRS[kind]}/{place}")
    return other.rate if other else None


def by_round(windows: Sequence[Window]) -> list[dict[str, Window]]:
    """The windows of each round by name."""
    rounds: dict[int, dict[str, Window]] = {}
    for window in windows:
        rounds.setdefault(window.round, {})[window.name] = window
    return list(rounds.values())


def _order(name: str) -> tuple[str, str, int]:
    kind, *protocol, number = name.split("/")
    return kind, "".join(protocol), int(number)


def _row(name: str, windows: list[Window], best: dict[int, float]) -> Row:
    ratios = [w.rate / best[w.round] for w in windows if w.round in best]
    return Row(name, spread([w.rate for w in windows]), spread(ratios) if ratios else None, windows)
