"""What heals itself: each state that is not final has a deadline, a healer, and a count of what is past both.

docs/states.md names every state of the shop's data; those with a time limit end here.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from lingdang.catalog.renewal import renew_terms
from lingdang.clock import Clock
from lingdang.db.pool import Pool, fetch_all
from lingdang.errors import Problem
from lingdang.identity.sweep import GRACE, TABLES, sweep_identity
from lingdang.ledger.expiry import sweep_expiry
from lingdang.ledger.settlement import Settlement

PAUSE_SECONDS = 30.0
LATE = timedelta(minutes=15)
"""How long after its moment a state may stand until it counts as overdue: 30 rounds of the healers."""
MOST = 10_000
"""Counting ends there: more is as alarming, and takes as long."""

_COUNT = "SELECT count(*) FROM (SELECT 1 FROM {} WHERE {} < %b LIMIT {}) AS late"
_STATES = {"wallet": ("next_expiry", timedelta(0)), **dict.fromkeys(TABLES, ("expires_at", GRACE))}

_log = structlog.get_logger(__name__)


class Upkeep:
    """The healers of one worker; with several workers, whoever comes first heals. `overdue` counts by state."""

    def __init__(self, pool: Pool, settlement: Settlement, clock: Clock) -> None:
        self._pool = pool
        self._settlement = settlement
        self._clock = clock
        self.overdue = dict.fromkeys(_STATES, 0)

    async def run(self) -> None:
        """Heal for ever. Whatever one healer meets, it is tried again, and the others go on."""
        while True:
            await asyncio.sleep(PAUSE_SECONDS)
            await self.round()

    async def round(self) -> None:
        """Heal once, then count what is overdue all the same."""
        now = self._clock()
        for heal in (
            lambda: sweep_expiry(self._pool, self._settlement),
            lambda: sweep_identity(self._pool, now),
            lambda: renew_terms(self._pool),
            lambda: self._count(now),
        ):
            await _try(heal)

    async def _count(self, now: datetime) -> int:
        for table, (column, grace) in _STATES.items():
            [(late,)] = await fetch_all(self._pool, _COUNT.format(table, column, MOST), (now - grace - LATE,))
            self.overdue[table] = int(late)
        return sum(self.overdue.values())


async def _try(heal: Callable[[], Awaitable[int]]) -> None:
    try:
        await heal()
    except Problem as problem:
        _log.warning("upkeep_postponed", code=problem.code)
    except Exception:
        _log.exception("upkeep_failed")
