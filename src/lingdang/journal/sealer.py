"""The background sealer: rounds over the journal's new pages, and a slow walk over all wallets as a safety net.

Nothing of a payment waits for it, and a payment writes nothing for it. Any number of workers may run one; a round finds
what no other has sealed.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta

import structlog

from lingdang.clock import Clock
from lingdang.db.pool import Connection, Pool, transaction
from lingdang.errors import Problem
from lingdang.journal.pace import LOOK_SECONDS, Pace
from lingdang.journal.sealing import Behind, Head, Sealing, Step, behind_in_pages, behind_in_wallets, blocks, portions
from lingdang.journal.witness import Witness

ROUND_SECONDS = 5.0
WINDOW = 16
"""Pages looked into at once: some hundred transfers."""
OVERLAP = 128
"""Pages that every round reads again: what was not yet committed then, and pages that were not yet full."""
WALK_WALLETS = 20_000
AT_ONCE = 1000
"""Wallets that are behind, in one step of the walk."""
WALK_STEP = timedelta(seconds=10)
WALK_PAUSE = timedelta(seconds=60)

_log = structlog.get_logger(__name__)

_XMAX = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text"

_TAKE_WALK = """
SELECT customer_id, currency, bucket, counting FROM seal_walk
 WHERE stepped_at < %b AND (finished_at IS NULL OR finished_at < %b) FOR UPDATE SKIP LOCKED
"""

_STRETCH = """
SELECT customer_id, currency, bucket FROM wallet WHERE (customer_id, currency, bucket) > (%b, %b, %b::smallint)
 ORDER BY customer_id, currency, bucket OFFSET %b LIMIT 1
"""

_PUT_WALK = """
UPDATE seal_walk SET customer_id = %b, currency = %b, bucket = %b, counting = %b, stepped_at = %b, finished_at = %b,
                     overdue = coalesce(%b, overdue)
"""

_MOVE_WALK = "UPDATE seal_walk SET customer_id = %b, currency = %b, bucket = %b, counting = %b"

_START = ("", "", 0)
_END = ("\U0010ffff", "", 0)
"""Before and behind every wallet in the order of the key, which is that of the bytes."""


class Sealer:
    """Seals what is new, round by round, while the worker has little to settle.

    `overdue` is what the newest walk found unsealed past the deadline. `settled` answers for how many seconds the
    worker has settled so far: payments come first (lingdang.journal.pace).
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
        self._first: int | None = None
        self._newest = ""
        self.caught_up = time.monotonic()
        self.pace = Pace(settled)
        self._number = 0
        """Of the newest checkpoint, as this sealer knows it."""
        self.overdue = 0
        self.sealed = 0

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
                if self.pace.allows(self.lag()) and await self.round():
                    await self.walk()
            except Problem as problem:
                _log.warning("sealing_postponed", code=problem.code)
            except Exception:
                _log.exception("sealing_failed")

    async def round(self) -> bool:
        """Seal all that stands in new pages; False when there was time for a part of it only, or another is at it."""
        found = await self._new_pages()
        if found is not None:
            first, end, newest = found
            for start in range(first, end, WINDOW):
                if not await self._seal_window(start, min(start + WINDOW, end)):
                    self._first = max(0, start - OVERLAP)
                    return False
            self._first, self._newest = max(0, end - OVERLAP), newest
        self.caught_up = time.monotonic()
        return True

    async def _new_pages(self) -> tuple[int, int, str] | None:
        """The pages to read and the newest transaction before that; None when there was none since the last round."""
        async with transaction(self._pool) as connection:
            head = await self._sealing.head(connection)
            await self.witness.keep(connection, head.jws)
            self.overdue = await _overdue(connection)
            if self._sealing.is_old(head):
                await self._sealing.sign_anew(connection, self._clock())
            newest = await _newest(connection)
            if newest == self._newest:
                return None
            end = await blocks(connection)
            # Another worker's sealer may be further.
            first = max(0, head.block - OVERLAP, self._first or 0)
            return min(first, end), end, newest

    async def _seal_window(self, first: int, end: int) -> bool:
        """Seal what stands in these pages, step by step; False when time is up, or another sealer is at it."""
        left: list[Behind] = []
        again = False
        while self.pace.allows(self.lag()):
            began = time.monotonic()
            async with transaction(self._pool) as connection:
                head = await self._sealing.begin(connection)
                if head is None or self._is_anothers(head):
                    return False  # beside payments one is enough
                if not left or head.number != self._number:
                    left, again = await behind_in_pages(connection, first, end), False
                some, left = self._some_of(left)
                step = self._count(await self._sealing.seal(connection, head, some, end, self._clock()))
            self._number = head.number + (step.transfers > 0)
            again |= step.more
            await asyncio.sleep(self.pace.rest(time.monotonic() - began, self.lag()))
            if not left and not again:
                return True
        return False

    def _some_of(self, behind: list[Behind]) -> tuple[list[Behind], list[Behind]]:
        """Those for one step, and those that are left."""
        some = next(portions(behind, self.pace.most(self.lag())), [])
        return some, behind[len(some) :]

    def _is_anothers(self, head: Head) -> bool:
        """Whether the worker is busy and another one has sealed since it last looked."""
        known = self._number
        if not self.pace.busy or not 0 < known < head.number:
            return False
        self._number = head.number
        return True

    async def walk(self) -> None:
        """The next stretch of wallets, when it is time; whatever the rounds have missed is found here."""
        again = True
        while again:
            began = time.monotonic()
            again = await self._walk_on()
            await asyncio.sleep(self.pace.rest(time.monotonic() - began, self.lag()))

    async def _walk_on(self) -> bool:
        """Whether the stretch has not been gone over to its end."""
        now = self._clock()
        async with transaction(self._pool) as connection:
            cursor = await connection.execute(_TAKE_WALK, (now - WALK_STEP, now - WALK_PAUSE))
            place = await cursor.fetchone()
            head = await self._sealing.begin(connection) if place else None
            if place is None or head is None:
                return False
            *after, counted = place
            row = await (await connection.execute(_STRETCH, (*after, WALK_WALLETS - 1))).fetchone()
            upto = _END if row is None else row
            behind = await behind_in_wallets(connection, tuple(after), upto, AT_ONCE)
            step = self._count(await self._sealing.seal(connection, head, behind, head.block, now))
            # A wallet that is blocked by a gap is found again by every walk, and counted again.
            counted += sum(moment < now - self._deadline for moment in step.moments)
            if step.more:
                await connection.execute(_MOVE_WALK, (*after, counted))
            elif len(behind) == AT_ONCE:
                last = behind[-1]
                await connection.execute(_MOVE_WALK, (last.customer_id, last.currency, last.bucket, counted))
            elif row is None:
                await connection.execute(_PUT_WALK, (*_START, 0, now, now, counted))
            else:
                await connection.execute(_PUT_WALK, (*upto, counted, now, None, None))
            return step.more or len(behind) == AT_ONCE

    def _count(self, step: Step) -> Step:
        self.sealed += step.transfers
        return step


async def _overdue(connection: Connection) -> int:
    row = await (await connection.execute("SELECT overdue FROM seal_walk")).fetchone()
    assert row is not None, "the migration made it"
    return int(row[0])


async def _newest(connection: Connection) -> str:
    row = await (await connection.execute(_XMAX)).fetchone()
    assert row is not None, "there is always a snapshot"
    return str(row[0])
