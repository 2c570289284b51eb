"""The background sealer: the journal's reader that chains and signs it, in steps with rests beside payments.

Nothing of a payment waits for it, and a payment writes nothing for it. Any number of processes may run one; each goes
on from the newest checkpoint, whoever made it.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import timedelta

import structlog

from lingdang.clock import Clock
from lingdang.db.pool import Connection, Pool, transaction
from lingdang.errors import Problem
from lingdang.journal.pace import LOOK_SECONDS, Pace
from lingdang.journal.sealing import Head, Sealing
from lingdang.journal.witness import Witness

ROUND_SECONDS = 5.0
COUNTED = 10_000
"""Counting what is overdue ends there: more is as alarming."""

_log = structlog.get_logger(__name__)

_OVERDUE = f"""
SELECT count(*) FILTER (WHERE t.at < %b)
  FROM (SELECT t.at FROM transfer t WHERE t.bucket = %b AND t.position > %b ORDER BY t.position LIMIT {COUNTED}) t
"""  # noqa: S608 - a constant

_GAPS = f"SELECT count(*) FROM (SELECT FROM seal_gap LIMIT {COUNTED}) g"  # noqa: S608 - a constant


class Sealer:
    """Seals what is new, round by round, while the worker has little to settle.

    `overdue` says how many transfers stood unsealed past the deadline when it last looked. `settled` answers for how
    many seconds the worker has settled so far: payments come first (lingdang.journal.pace).
    """

    def __init__(
        self,
        pool: Pool,
        sealing: Sealing,
        clock: Clock,
        deadline: timedelta,
        witness: Witness,
        settled: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._pool = pool
        self._sealing = sealing
        self._clock = clock
        self._deadline = deadline
        self.witness = witness
        self.caught_up = time.monotonic()
        self.pace = Pace(settled)
        self._number = 0
        """Of the newest checkpoint, as this sealer knows it."""
        self.overdue = {"transfer": 0}
        self.sealed = 0
        self.gauges: Mapping[str, Callable[[], float]] = {
            "lingdang_journal_sealed_transfers_total": lambda: self.sealed,
            "lingdang_journal_rolled_back": lambda: witness.rolled_back,
        }

    def lag(self) -> float:
        """Seconds since this sealer last saw the journal sealed to its end."""
        return time.monotonic() - self.caught_up

    async def run(self) -> None:
        """Seal for ever; a database that is away is waited for."""
        while True:
            await asyncio.sleep(ROUND_SECONDS - LOOK_SECONDS)
            self.pace.look()
            await asyncio.sleep(LOOK_SECONDS)
            try:
                if self.pace.allows(self.lag()):
                    await self.round()
            except Problem as problem:
                _log.warning("sealing_postponed", code=problem.code)
            except Exception:
                _log.exception("sealing_failed")

    async def round(self) -> bool:
        """Seal all that has come; False when there was time for a part of it only, or another is at it."""
        await self._look()
        while self.pace.allows(self.lag()):
            began = time.monotonic()
            async with transaction(self._pool) as connection:
                head = await self._sealing.begin(connection)
                if head is None or self._is_anothers(head):
                    return False  # beside payments one is enough
                step = await self._sealing.seal_on(connection, head, self.pace.most(self.lag()), self._clock())
            self._number = head.number + (step.transfers > 0)
            self.sealed += step.transfers
            if not step.more:
                self.caught_up = time.monotonic()
                return True
            await asyncio.sleep(self.pace.rest(time.monotonic() - began, self.lag()))
        return False

    async def look(self) -> None:
        """Keep the newest checkpoint, and count what is overdue; nothing is sealed."""
        async with transaction(self._pool) as connection:
            await self._look_at(connection)

    async def _look(self) -> None:
        """Keep the newest checkpoint, sign it under the newest key, and count what is overdue."""
        async with transaction(self._pool) as connection:
            if self._sealing.is_old(await self._look_at(connection)):
                await self._sealing.sign_anew(connection, self._clock())

    async def _look_at(self, connection: Connection) -> Head:
        head = await self._sealing.head(connection)
        await self.witness.keep(connection, head.jws)
        await self._count_overdue(connection, head)
        return head

    async def _count_overdue(self, connection: Connection, head: Head) -> None:
        [(count,)] = await (await connection.execute(_GAPS)).fetchall()
        for bucket, position in enumerate(head.positions):
            cursor = await connection.execute(_OVERDUE, (self._clock() - self._deadline, bucket, position))
            [(late,)] = await cursor.fetchall()
            count += int(late)
        self.overdue["transfer"] = int(count)

    def _is_anothers(self, head: Head) -> bool:
        """Whether the worker is busy and another one has sealed since it last looked."""
        known = self._number
        if not self.pace.busy or not 0 < known < head.number:
            return False
        self._number = head.number
        return True
