"""What the shop is to reach, beside what was seen: figures of each round, their spread, and the least that is accepted.

A goal's figures are ratios or costs within one run. `floors.toml` has, for each, the figure below which (or, of a cost,
above which) `python -m proof.bench` fails: generous, so that a slide is seen and a busy machine does not fail.
"""

import tomllib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from proof.bench.figures import REFERENCE, Spread, Window, by_round, rate_beside, spread
from proof.bench.tables import Line, show

BEST_SHOP = 43
"""Complete orders a second of the fastest shop that was measured on such a machine, django-oscar 4.2."""

Figure = Callable[["Round"], float | None]


class Round(NamedTuple):
    """The windows of one round, by name."""

    windows: dict[str, Window]

    def best(self, names: Iterable[str]) -> float | None:
        """The best rate of these."""
        return max((self.windows[name].rate for name in names if name in self.windows), default=None)

    def named(self, kind: str, protocol: str | None = None) -> list[Window]:
        """All windows of one workload, by rising connections."""
        found = [w for w in self.windows.values() if w.name.split("/")[0] == kind]
        chosen = [w for w in found if protocol is None or w.name.split("/")[1] == protocol]
        return sorted(chosen, key=lambda w: int(w.name.split("/")[-1]))


class Goal(NamedTuple):
    """`name` is its key in floors.toml. `most`: the figure may not be above the aim, instead of below."""

    name: str
    aim: float
    text: str
    figure: Figure
    most: bool = False

    def reached(self, value: float, limit: float) -> bool:
        return value <= limit if self.most else value >= limit


class Reached(NamedTuple):
    """A goal and what was seen of it."""

    goal: Goal
    seen: Spread


def _ratio(over: float | None, under: float | None) -> float | None:
    return over / under if over and under else None


def _payments(here: Round) -> float | None:
    """Signed payments with a voucher over HTTPS at 64 connections and more, the best of them."""
    windows = [w for w in here.named("payments-voucher", "https") if int(w.name.split("/")[-1]) >= 64]
    return _ratio(max((w.rate for w in windows), default=None), here.best(REFERENCE))


def _orders(here: Round) -> float | None:
    return _ratio(max((w.rate for w in here.named("orders")), default=None), BEST_SHOP)


def _one_connection(here: Round) -> float | None:
    alone = [w for w in here.named("payments", "https") if w.name.endswith("/1")]
    theirs = here.windows.get("pgbench/1")
    return _ratio(alone[0].p50, theirs.mean) if alone and theirs else None


def _paced(here: Round) -> float | None:
    paced = here.named("payments-paced")
    return paced[0].p99 * 1000 if paced and paced[0].p99 else None


def _beside(kind: str) -> Figure:
    """The rate of a workload over that of the same without what is hot."""

    def figure(here: Round) -> float | None:
        for window in here.named(kind):
            if without := rate_beside(window, here.windows):
                return _ratio(window.rate, without)
        return None

    return figure


def _per_core(kind: str) -> Figure:
    """Operations for each second of CPU of server and database, over those of the payments beside them."""

    def figure(here: Round) -> float | None:
        for window in here.named(kind, "https") or here.named(kind):
            if window.beside:
                return _ratio(window.beside.cpu, window.cpu)
        return None

    return figure


def _each(amount: Callable[[Window], float]) -> Figure:
    """An amount for each payment of three books where batches are the largest."""

    def figure(here: Round) -> float | None:
        payments = here.named("payments", "https") or here.named("payments")
        return amount(payments[-1]) / max(1, payments[-1].operations) if payments else None

    return figure


GOALS = (
    Goal("payments", 1.5, "payments with a voucher over HTTPS, 64–256 connections, × pgbench's best", _payments),
    Goal("orders", 50, "complete orders, 64–256 connections, × the best shop's 43 a second", _orders),
    Goal("one-connection", 2.0, "p50 at one connection × pgbench's at one client", _one_connection, most=True),
    Goal("paced", 25, "p99 at half of the best rate, ms", _paced, most=True),
    Goal("hot-customer", 0.9, "one hot customer × uniform", _beside("payments-hot-customer")),
    Goal("hot-book", 0.9, "one hot book × uniform", _beside("payments-hot-book")),
    Goal("hot-voucher", 0.9, "one hot coupon × fifty", _beside("payments-hot-voucher")),
    Goal("hot-publisher", 0.9, "one publisher × uniform", _beside("payments-hot-publisher")),
    Goal("wal", 1500, "WAL bytes a payment, largest batches", _each(lambda w: w.wal_bytes), most=True),
    Goal("server-cpu", 120, "server µs a payment, largest batches", _each(lambda w: w.server_cpu * 1e6), most=True),
    Goal(
        "database-cpu", 60, "PostgreSQL µs a payment, largest batches", _each(lambda w: w.postgres_cpu * 1e6), most=True
    ),
    Goal("checkouts", 1.0, "checkouts a core × payments a core", _per_core("checkouts")),
    Goal("ticks", 1.0, "cart ticks a core × payments a core", _per_core("ticks")),
    Goal("prices", 1.0, "price reads a core × payments a core", _per_core("prices")),
)


def reached(windows: Sequence[Window]) -> list[Reached]:
    """Every goal that was measured, with its figure in each round."""
    rounds = by_round(windows)
    found = []
    for goal in GOALS:
        values = [value for named in rounds if (value := goal.figure(Round(named))) is not None]
        if values:
            found.append(Reached(goal, spread(values)))
    return found


def table(results: Sequence[Reached]) -> str:
    """In Markdown: goal, figure with its spread, and whether the median reaches it."""
    return show([Line(goal.text, goal.aim, seen, goal.most) for goal, seen in results])


def read_floors(path: Path) -> dict[str, float]:
    """The least, or of a cost the most, that is accepted of each goal. Raises OSError, ValueError or KeyError."""
    floors = tomllib.loads(path.read_text(encoding="utf-8"))["goals"]
    unknown = set(floors) - {goal.name for goal in GOALS}
    if unknown:
        raise ValueError(f"{path}: no such goals: {', '.join(sorted(unknown))}")
    return {name: float(value) for name, value in floors.items()}


def shortfalls(results: Sequence[Reached], floors: dict[str, float]) -> list[str]:
    """A sentence for each goal whose median is on the wrong side of its floor."""
    return [
        f"{goal.name}: {seen.median:.2f} is {'above' if goal.most else 'below'} the floor of {floors[goal.name]:g}"
        for goal, seen in results
        if goal.name in floors and not goal.reached(seen.median, floors[goal.name])
    ]
