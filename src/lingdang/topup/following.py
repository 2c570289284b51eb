"""Following what providers told: first the entry in the inbox is there, then bells are credited, then the row follows.

Whatever ends between two of these is done again from the entry, which waits until all is done. Nothing here counts:
each step says how things stand, so doing it twice is doing it once.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from functools import partial
from itertools import chain
from uuid import UUID

import msgspec
import structlog

from lingdang.clock import Clock
from lingdang.db.pool import Connection, Pool, connection_of, fetch_all
from lingdang.errors import Problem, retry_later
from lingdang.events import notices
from lingdang.ledger.reading_left import left_on
from lingdang.ledger.settlement import Settlement
from lingdang.topup import inbox, refunds, rows, usual
from lingdang.topup.advancing import Step, advanced
from lingdang.topup.booking import Booked, book
from lingdang.topup.evidence import Evidence
from lingdang.topup.finding import Finding
from lingdang.topup.inbox import Inbox, Place, Told
from lingdang.topup.merging import is_another
from lingdang.topup.refunds import Outcome
from lingdang.topup.revoking import Revoking
from lingdang.topup.rows import TopupRow

TESTERS = "store-testers"
"""The group whose members may use play money."""
AT_A_TIME = 4
"""Entries of one account that a process carries out at a time as they come: a store may keep its own waiting."""
MOST_WAITING = 1000
"""Further ones of an account are left to the healer."""

_TESTER = "SELECT %b = ANY (groups) FROM customer WHERE customer = %b"

_log = structlog.get_logger(__name__)

Change = Callable[[TopupRow], TopupRow]
RefundTold = Callable[[TopupRow], Outcome | None]
"""What is told of an operator's refund, by the top-up as it becomes."""
Reached = Callable[[str], None]
"""Called with the name of each point that has been reached. Tests end the work there."""


class OvertakenError(Exception):
    """Another payment of the top-up was told since it was found: this one is a second one."""


class Following:
    """One process's part in it. Several may follow one entry at a time; a lock of the top-up orders them."""

    def __init__(
        self,
        pool: Pool,
        settlement: Settlement,
        kept: Inbox,
        clock: Clock,
        buckets: int,
        evidence: Evidence | None = None,
        revoking: Revoking | None = None,
        reached: Reached = lambda _: None,
    ) -> None:
        """`evidence` answers stores' questions; `revoking` ends rights for bells that are owed."""
        self._pool = pool
        self._settlement = settlement
        self._inbox = kept
        self._clock = clock
        self._buckets = buckets
        self._finding = Finding(pool, kept, clock, buckets)
        self._evidence = evidence
        self._revoking = revoking
        self._reached = reached
        self._turns: dict[str, asyncio.Semaphore] = defaultdict(partial(asyncio.Semaphore, AT_A_TIME))
        self._tasks: dict[str, set[asyncio.Task[None]]] = defaultdict(set)

    def soon(self, place: Place, told: Told) -> None:
        """Carry an entry out beside the request that brought it, and that knows what it tells."""
        tasks = self._tasks[place.account]
        if len(tasks) >= MOST_WAITING:
            return
        task = asyncio.create_task(self._in_turn(place, told))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def close(self) -> None:
        """Leave what is under way: its entries wait."""
        tasks = list(chain.from_iterable(self._tasks.values()))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _in_turn(self, place: Place, told: Told) -> None:
        async with self._turns[place.account]:
            await self.try_out(place, told)

    async def try_out(self, place: Place, told: Told | None = None) -> bool:
        """Carry an entry out; False when that failed and it is tried again later."""
        try:
            await self.carry_out(place, told)
        except Exception as error:
            refused = isinstance(error, Problem)
            _log.warning(
                "topup_postponed", account=place.account, entry=place.entry, exc_info=None if refused else error
            )
            try:
                await self._inbox.later(place, self._clock())
            except Problem:
                _log.warning("topup_postponed", account=place.account, entry=place.entry)
            return False
        return True

    async def carry_out(self, place: Place, told: Told | None = None) -> None:
        """Carry an entry out, if it waits; `told` is what it tells, where that is known.

        Raises what the settlement and the database do.
        """
        told = told or await self._inbox.waits(place)
        if told is None:
            return
        try:
            await self._follow(place, told)
        except OvertakenError:
            await self._follow(place, told)  # it finds another top-up now

    async def _follow(self, place: Place, told: Told) -> None:
        self._reached("inbox")
        if await usual.carry_out(self._pool, place, told, self._credited, self._clock):
            self._reached("row")
            return
        row = None if told.standing is None else await self._finding.whose(place, told.standing)
        if row is None:
            await self._finding.leave(place, told.standing)
            return
        told = await self._finding.as_asked(place, told, row)
        await self._finding.claim(row, told.standing)
        tester = await self._is_tester(row, told)
        if told.evidence is not None and self._evidence is not None:
            await self._evidence.answer(row, told.evidence)
        await self._change(
            row,
            lambda found: _told_of(found, told, self._clock(), tester=tester),
            place,
            lambda after: _refund_of(after, told),
        )

    async def _credited(self, before: TopupRow, after: TopupRow) -> TopupRow:
        return (await self._booked(before, after, 0)).row

    async def rebook(self, topup_id: UUID) -> TopupRow:
        """Have a top-up's bells stand as its money does, with what is on its way back. Raises Problem."""
        return await self.decide(topup_id, lambda row: row)

    async def hold(self, topup_id: UUID, refund_id: str) -> TopupRow:
        """Take the bells of a refund of what is left. Raises Problem `refund_not_allowed` when less is left by now."""
        row = await rows.known(self._pool, topup_id)
        return await self._change(row, lambda row: row, heard=lambda _: Outcome(refund_id, "held"), left_only=True)

    async def refused(self, topup_id: UUID, refund_id: str, reason: str) -> TopupRow:
        """A refund that the provider will not make is over once its bells are back. Raises Problem."""
        row = await rows.known(self._pool, topup_id)
        return await self._change(row, lambda row: row, heard=lambda _: Outcome(refund_id, "failed", reason))

    async def decide(self, topup_id: UUID, how: Change) -> TopupRow:
        """Change a top-up as an operator decides. Raises Problem `not_found`, and what `how` raises."""
        row = await rows.find(self._pool, topup_id)
        if row is None:
            raise Problem("not_found")
        return await self._change(row, how)

    async def _change(
        self,
        found: TopupRow,
        how: Change,
        place: Place | None = None,
        heard: RefundTold = lambda _: None,
        *,
        left_only: bool = False,
    ) -> TopupRow:
        """Change a top-up, bells first; `place` is then done. `heard` tells of a refund, by the top-up after it.

        A `place` that waits no longer changes nothing.
        """
        async with connection_of(self._pool) as connection:
            await notices.begin(connection, found.bucket)
            async with connection.transaction():
                await self._pool.limit_transaction(connection)
                before = await rows.locked(connection, found.topup_id)
                if place is not None and not await inbox.is_waiting(connection, place):
                    return before  # somebody else was faster, and newer ones may be carried out by now
                row = await self._as_credited(connection, before)
                changed = await self._as_credited(connection, how(row))
                known = await refunds.refunds_of(connection, row)
                asked = refunds.told(known, heard(changed), self._clock())
                if changed.refunded < row.refunded:
                    asked = refunds.doubted(asked, self._clock())
                if refunds.is_return_refused(known, asked):
                    changed = msgspec.structs.replace(changed, decided=None)
                promised = refunds.promised(asked, changed.refunded)
                booked = await self._booked(row, changed, promised, left_only=left_only)
                after = booked.row
                if all(each.status != "pending" for each in asked):
                    await self._revoke(connection, booked)
                await self._write(connection, Step(before, after))
                await refunds.save(connection, row, known, asked)
                await refunds.return_due(connection, after, asked, self._clock())
                if place is not None:
                    await inbox.done(connection, place)
        self._reached("row")
        return after

    async def _booked(self, before: TopupRow, after: TopupRow, promised: int, *, left_only: bool = False) -> Booked:
        booked = await book(self._settlement, before, after, promised, self._clock(), left_only)
        self._reached("credit")
        return booked

    async def _as_credited(self, connection: Connection, row: TopupRow) -> TopupRow:
        """The top-up as the ledger has it, where its bells are not due.

        They are there when the process that credited them ended before it wrote so. Raises Problem `overloaded` when
        another payment than the row's brought them: the entry that tells of that one waits, and goes first.
        """
        if not row.received or row.credited_at is not None or row.is_credit_due:
            return row
        found = await left_on(connection, row.customer, row.topup_id, self._clock(), buckets=self._buckets)
        if found is None:
            return row
        if found.topup.reference not in (None, row.reference):
            raise retry_later("overloaded", 10, why="another payment of the top-up is carried out first")
        return msgspec.structs.replace(row, credited_at=found.topup.credited_at)

    async def _revoke(self, connection: Connection, booked: Booked) -> None:
        """End rights for what is owed once money is back for good: not while it is promised, or disputed, alone."""
        row = booked.row
        if self._revoking is not None and booked.taken is not None and (row.refunded or row.lost):
            await self._revoking.pay(connection, row, booked.taken.debt)
        self._reached("rights")

    async def _write(self, connection: Connection, step: Step) -> None:
        """Notices first: they cannot be written by a transaction that has written before."""
        if step.notices:
            await notices.write(connection, step.after.bucket, self._clock(), step.notices)
        if step.after != step.before:
            await rows.update(connection, step.after)

    async def _is_tester(self, row: TopupRow, told: Told) -> bool:
        if told.standing is None or not told.standing.test:
            return False
        return await fetch_all(self._pool, _TESTER, (TESTERS, row.customer)) == [(True,)]


def _told_of(row: TopupRow, told: Told, now: datetime, *, tester: bool) -> TopupRow:
    """The top-up by what was told. Raises OvertakenError."""
    if told.standing is not None and is_another(row, told.standing):
        raise OvertakenError
    return advanced(row, told, now, tester=tester)


def _refund_of(after: TopupRow, told: Told) -> Outcome | None:
    """What is told of an operator's refund, once the top-up's sum has it too: else it is asked for once more."""
    standing = told.standing
    if told.refund is None or standing is None or told.refund.state == "failed":
        return told.refund
    exact = told.seen == after.version
    counted = standing.refunded is None or exact or after.told.get("refunded", standing.at) <= standing.at
    return told.refund if counted else None
