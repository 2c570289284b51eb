"""The background task of top-ups: closes the gaps that a crash leaves, asks for what is silent, forgets what is old."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import NamedTuple

import structlog

from lingdang.clock import Clock
from lingdang.db.pool import Pool, fetch_all
from lingdang.errors import Problem

LATE = timedelta(minutes=15)
"""How long after its moment something may wait until it counts as overdue."""
_COUNT_SECONDS = 30.0

_OVERDUE = {
    "topup": "SELECT count(*) FROM (SELECT FROM topup WHERE next_ask_at < %b LIMIT 10000) t",
    "topup_notification": "SELECT count(*) FROM (SELECT FROM topup_waiting WHERE since < %b LIMIT 10000) w",
    "topup_refund": "SELECT count(*) FROM (SELECT FROM topup_refund WHERE due_at IS NOT NULL AND counted_at IS NULL "
    "AND asked_at < %b LIMIT 10000) r",
    "store_purchase": "SELECT count(*) FROM (SELECT FROM topup WHERE channel = 'store' AND credited_at < %b "
    "AND NOT finished LIMIT 10000) t",
    "topup_day": "SELECT count(*) FROM (SELECT FROM topup_day WHERE done_at IS NULL "
    "AND ready_at < %b::timestamptz - interval '12 hours' AND ready_at > now() - interval '30 days' LIMIT 10000) d",
    "gift_code": "SELECT count(*) FROM (SELECT FROM gift_code WHERE claimed_at IS NOT NULL AND redeemed_at IS NULL "
    "AND coalesce(due_at, claimed_at) < %b LIMIT 10000) g",
}
_REVIEW = "SELECT count(*) FROM (SELECT FROM topup WHERE status = 'review' LIMIT 10000) t"

_log = structlog.get_logger(__name__)


class Healer(NamedTuple):
    """`heal` does its work once, and answers whether it ended with work left; else it pauses for so many seconds."""

    heal: Callable[[], Awaitable[bool]]
    pause: float


class Care:
    """The healers of top-ups in one process; several processes share the work.

    Each goes at its own pace: one whose provider hangs holds up no other.
    """

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        healers: Mapping[str, Healer],
        counted: Mapping[str, Callable[[], float]],
    ) -> None:
        self._pool = pool
        self._clock = clock
        self.healers = {**healers, "counting": Healer(self._count, _COUNT_SECONDS)}
        self._caught_up = dict.fromkeys(self.healers, time.monotonic())
        self._in_review = 0
        self.overdue = dict.fromkeys(_OVERDUE, 0)
        self.gauges: Mapping[str, Callable[[], float]] = {
            "lingdang_topups_in_review": lambda: self._in_review,
            **counted,
        }

    def lag(self) -> float:
        """As Task."""
        return time.monotonic() - min(self._caught_up.values())

    async def run(self) -> None:
        """As Task."""
        async with asyncio.TaskGroup() as together:
            for name, healer in self.healers.items():
                together.create_task(self._repeat(name, healer))

    async def _repeat(self, name: str, healer: Healer) -> None:
        while True:
            more = await self._try(name, healer)
            if more is False:
                self._caught_up[name] = time.monotonic()
            await asyncio.sleep(0 if more else healer.pause)

    async def look(self) -> None:
        """As Task."""
        await self._count()

    async def _count(self) -> bool:
        for state, sql in _OVERDUE.items():
            [(late,)] = await fetch_all(self._pool, sql, (self._clock() - LATE,))
            self.overdue[state] = int(late)
        [(self._in_review,)] = await fetch_all(self._pool, _REVIEW)
        return False

    async def _try(self, name: str, healer: Healer) -> bool | None:
        """Whether it ended with work left; None when it failed."""
        try:
            return await healer.heal()
        except Problem as problem:
            _log.warning("topups_postponed", healer=name, code=problem.code)
        except Exception:
            _log.exception("topups_failed", healer=name)
        return None
