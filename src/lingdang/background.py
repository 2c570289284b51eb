"""What runs beside requests, for ever: the background tasks, in a process of the server's own or in `lingdang worker`.

Every process that runs them runs them all, and none leads. Each takes a piece of work under a lock of its transaction,
or by rows that others pass over. The database lets go of both with the connection of whoever held them: a process more
shares the work, and one that is killed is not missed.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Final, NamedTuple, Protocol

import structlog

from lingdang.db.pool import Pool
from lingdang.deployment import Deployment, make_couriers, make_sealer
from lingdang.errors import Problem
from lingdang.events.expiring_soon import ExpiringSoon
from lingdang.ledger.settled import ReadSettled
from lingdang.ledger.settlement import Settlement
from lingdang.topup.parts import Topups
from lingdang.upkeep import Upkeep
from lingdang.watch import Watch

LOOK_SECONDS = 30.0
"""How often whoever does not run the tasks counts what is overdue."""
AGAIN_SECONDS = 5.0
"""After a task has failed."""

_log = structlog.get_logger(__name__)


class Means(NamedTuple):
    """What the tasks work with."""

    deployment: Deployment
    pool: Pool
    """Its connections are for them alone."""
    settlement: Settlement
    topups: Topups
    settled: ReadSettled
    """What was settled of those to whom the tasks give way: payments come first."""

    def seconds_settled(self) -> float:
        """For how many seconds they have settled so far."""
        return self.settled().seconds


class Task(Protocol):
    """A background task.

    `overdue` counts what stood past its deadline at the last look, by state; every state is there from the start.
    `gauges` are further present values of this process, by the metric's name.
    """

    overdue: dict[str, int]
    gauges: Mapping[str, Callable[[], float]]

    def lag(self) -> float:
        """Seconds since it last saw its work done."""

    async def look(self) -> None:
        """Count what is overdue, and leave the work. Raises Problem `overloaded` when the database is away."""

    async def run(self) -> None:
        """Work, and look, until it is cancelled."""


def _upkeep(means: Means) -> Upkeep:
    deployment, settled = means.deployment, means.seconds_settled
    days = deployment.settings.wallet_expiring_days
    expiring = ExpiringSoon(means.pool, deployment.buckets, days, deployment.clock, settled)
    return Upkeep(means.pool, means.settlement, deployment.clock, settled, [expiring.run])


TASKS: Final[Mapping[str, Callable[[Means], Task]]] = {
    "sealing": lambda means: make_sealer(means.deployment, means.pool, means.seconds_settled),
    "upkeep": _upkeep,
    "topups": lambda means: means.topups.care(means.pool),
    "webhooks": lambda means: make_couriers(means.deployment, means.pool, means.settled),
}
"""By name, how each is made. A new one is added here; it is then run, watched and counted."""


class Background:
    """The tasks of one process. Unless it `runs` them, it counts what is overdue, so that it is seen when none does."""

    def __init__(self, means: Means, *, runs: bool = True) -> None:
        self._tasks = {name: make(means) for name, make in TASKS.items()}
        self._runs = runs

    def show(self, watch: Watch) -> None:
        """Have the present values read for the metrics."""
        for name, task in self._tasks.items():
            for state in task.overdue:
                watch.gauge("lingdang_overdue", state, partial(task.overdue.__getitem__, state))
            for metric, read in task.gauges.items():
                watch.gauge(metric, watch.worker, read)
            if self._runs:
                watch.gauge("lingdang_background_lag_seconds", name, task.lag)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """They run, or are looked at, for as long as the block; what was begun at its end is undone or done."""
        go_on = _run if self._runs else _look_on
        working = [asyncio.create_task(go_on(name, task)) for name, task in self._tasks.items()]
        try:
            yield
        finally:
            for each in working:
                each.cancel()
            await asyncio.wait(working)


async def _run(name: str, task: Task) -> None:
    """Run a task for ever: one that fails is run again."""
    while True:
        try:
            await task.run()
        except Exception:
            _log.exception("background_failed", task=name)
        await asyncio.sleep(AGAIN_SECONDS)


async def _look_on(name: str, task: Task) -> None:
    """Look for ever at what others run."""
    while True:
        try:
            await task.look()
        except Problem as problem:
            _log.warning("look_postponed", task=name, code=problem.code)
        except Exception:
            _log.exception("look_failed", task=name)
        await asyncio.sleep(LOOK_SECONDS)
