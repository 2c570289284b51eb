"""What heals itself: each state that is not final has a deadline, a healer, and a count of what is past both.

docs/states.md names every state of the shop's data; those with a time limit end here.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from lingdang.catalog.renewal import renew_terms
from lingdang.clock import Clock
from lingdang.db.pool import Pool, fetch_all
from lingdang.db.rests import Rests
from lingdang.errors import Problem
from lingdang.identity.sweep import TABLES, sweep_identity
from lingdang.ledger.expiry import ExpirySweep
from lingdang.ledger.settlement import Settlement

PAUSE_SECONDS = 30.0
SHORT_PAUSE_SECONDS = 1.0
"""After a round that ended with work left."""
LATE = timedelta(minutes=15)
"""How long after its moment a state may stand until it counts as overdue: 30 rounds of the healers."""
MOST = 10_000
"""Counting ends there: more is as alarming, and takes as long."""

_COUNT = "SELECT count(*) FROM (SELECT 1 FROM {} WHERE {} < %b LIMIT {}) AS late"
_STATES = {"wallet": ("next_expiry", timedelta(0)), **{table: ("expires_at", grace) for table, grace in TABLES.items()}}

_log = structlog.get_logger(__name__)


class Upkeep:
    """The healers of one process; several processes share the work. `overdue` counts by state.

    `settled` answers for how many seconds payments were settled so far: the healers give way to them. `further` are
    healers beside its own: each answers whether it ended with work left.
    """

    def __init__(
        self,
        pool: Pool,
        settlement: Settlement,
        clock: Clock,
        settled: Callable[[], float],
        further: Sequence[Callable[[], Awaitable[bool]]] = (),
    ) -> None:
        self._pool = pool
        self._rests = Rests(settled)
        self.expiry = ExpirySweep(pool, settlement, clock, settled)
        self._clock = clock
        self._caught_up = time.monotonic()
        self._further = further
        self.overdue = dict.fromkeys(_STATES, 0)
        self.gauges: Mapping[str, Callable[[], float]] = {
            "lingdang_expired_wallets_total": lambda: self.expiry.wallets,
        }

    def lag(self) -> float:
        """Seconds since a round of these healers last ended with nothing left and no failure."""
        return time.monotonic() - self._caught_up

    async def run(self) -> None:
        """Heal for ever. Whatever one healer meets, it is tried again, and the others go on."""
        more = False
        while True:
            await asyncio.sleep(min(SHORT_PAUSE_SECONDS, PAUSE_SECONDS) if more else PAUSE_SECONDS)
            more = await self.round()

    async def round(self) -> bool:
        """Heal once, then count what is overdue all the same. Returns whether a healer ended with work left."""
        now = self._clock()
        healers = (
            self.expiry.run,
            lambda: sweep_identity(self._pool, now),
            lambda: renew_terms(self._pool, self._rests),
            *self._further,
            lambda: self._count(now),
        )
        left = [await _try(heal) for heal in healers]
        if not any(each or each is None for each in left):
            self._caught_up = time.monotonic()
        return any(left)

    async def look(self) -> None:
        """Count what is overdue; nothing is healed."""
        await self._count(self._clock())

    async def _count(self, now: datetime) -> bool:
        for table, (column, grace) in _STATES.items():
            [(late,)] = await fetch_all(self._pool, _COUNT.format(table, column, MOST), (now - grace - LATE,))
            self.overdue[table] = int(late)
        return False


async def _try(heal: Callable[[], Awaitable[bool]]) -> bool | None:
    """Whether it ended with work left; None when it failed."""
    try:
        return await heal()
    except Problem as problem:
        _log.warning("upkeep_postponed", code=problem.code)
    except Exception:
        _log.exception("upkeep_failed")
    return None
