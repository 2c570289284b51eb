"""Refunds of a top-up's money that an operator asked for: written down, taken back in bells, then given back in money.

The bells go first, so that nobody spends what is being paid out. A provider that refuses has them come back.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

from lingdang.db.pool import Connection, Pool, fetch_all
from lingdang.errors import Problem
from lingdang.topup.rows import TopupRow

_COLUMNS = (
    "SELECT refund_id, amount, base, tries, asked_at, due_at, done_at, refused, counted_at, estimated FROM topup_refund"
)
_OF = f"{_COLUMNS} WHERE bucket = %b AND customer = %b AND topup_id = %b ORDER BY asked_at, refund_id"
_ADD = """
INSERT INTO topup_refund (customer, topup_id, refund_id, bucket, amount, base, asked_at, due_at, estimated)
VALUES (%b, %b, %b, %b, %b, %b, %b, %b, %b)
"""
_SAVE = """
UPDATE topup_refund SET amount = %b, due_at = %b, done_at = %b, refused = %b, counted_at = %b, estimated = %b
 WHERE bucket = %b AND customer = %b AND topup_id = %b AND refund_id = %b
"""
_UNANSWERED = """
UPDATE topup_refund SET tries = 1 WHERE bucket = %b AND customer = %b AND topup_id = %b AND refund_id = %b AND tries = 0
"""
_CLAIM = """
UPDATE topup_refund SET tries = tries + 1, due_at = %b::timestamptz + least(tries + 1, 60) * interval '1 minute'
 WHERE (customer, topup_id, refund_id, bucket) IN (
    SELECT r.customer, r.topup_id, r.refund_id, r.bucket
      FROM topup_refund r JOIN topup t USING (customer, topup_id, bucket)
     WHERE r.due_at <= %b AND t.account = %b ORDER BY r.due_at LIMIT %b FOR UPDATE OF r SKIP LOCKED
) RETURNING topup_id, refund_id
"""
HELD = timedelta(minutes=1)
"""Whoever asked for a refund is given so long to carry it out."""

RETURN = "decision"
"""The refundId of money that an operator returns instead of crediting it. The next ones have a number, behind a letter
that no operator's refundId may have."""

RefundStatus = Literal["pending", "done", "refused"]


class RefundRow(msgspec.Struct, frozen=True, kw_only=True):
    """A refund of money. `base` is what had gone back before it; since `counted_at` the top-up's sum has it."""

    refund_id: str
    amount: int
    base: int
    tries: int
    asked_at: datetime
    due_at: datetime | None
    done_at: datetime | None
    refused: str | None
    counted_at: datetime | None = None
    estimated: bool = False
    """It is of what was left, whose bells were not taken yet: until then it may become less."""

    @property
    def is_unanswered(self) -> bool:
        """Whether it is under way, and no sum of the provider's is known to have it."""
        return self.due_at is not None and self.counted_at is None

    @property
    def status(self) -> RefundStatus:
        """Whether it is under way, done, or refused by the provider."""
        if self.due_at is not None:
            return "pending"
        return "done" if self.refused is None else "refused"


class Outcome(msgspec.Struct, frozen=True):
    """How a refund stands at its provider: as GivenBack, or refused with the provider's own word. `held`: the bells of
    one of what is left are taken."""

    refund_id: str
    state: Literal["held", "pending", "done", "failed"]
    reason: str | None = None


def promised(found: Sequence[RefundRow], refunded: int) -> int:
    """How much of the money is on its way back beside what `refunded` counts."""
    return sum(each.amount - _counted(each, refunded) for each in found if each.is_unanswered and not each.estimated)


def _counted(refund: RefundRow, refunded: int) -> int:
    """What of it may be counted: while it is asked for the first time, a notification may be faster than the answer."""
    return 0 if refund.tries else min(max(refunded - refund.base, 0), refund.amount)


def told(found: Sequence[RefundRow], outcome: Outcome | None, now: datetime) -> list[RefundRow]:
    """The refunds by what the provider says of one. What has ended stays so."""
    return [
        _told(each, outcome, now)
        if outcome is not None and each.refund_id == outcome.refund_id and each.status == "pending"
        else each
        for each in found
    ]


def _told(refund: RefundRow, outcome: Outcome, now: datetime) -> RefundRow:
    if outcome.state == "held":
        return msgspec.structs.replace(refund, estimated=False)
    if outcome.state == "pending":
        return msgspec.structs.replace(refund, counted_at=refund.counted_at or now)
    refused = None if outcome.state == "done" else outcome.reason or outcome.state
    counted = (refund.counted_at or now) if outcome.state == "done" else None
    return msgspec.structs.replace(refund, due_at=None, done_at=now, refused=refused, counted_at=counted)


def doubted(found: Sequence[RefundRow], now: datetime) -> list[RefundRow]:
    """The refunds when less went back than was known: one of those that were counted has failed, and is asked about."""
    return [
        each if each.counted_at is None else msgspec.structs.replace(each, due_at=now, done_at=None) for each in found
    ]


def is_return(refund: RefundRow) -> bool:
    """Whether it carries out a decision."""
    return refund.refund_id.partition("/")[0] == RETURN


def is_return_refused(before: Sequence[RefundRow], after: Sequence[RefundRow]) -> bool:
    """Whether a decision has turned out not to be possible."""
    return any(
        is_return(now) and now.status == "refused" and was.status != "refused"
        for was, now in zip(before, after, strict=True)
    )


async def return_due(connection: Connection, row: TopupRow, known: Sequence[RefundRow], now: datetime) -> None:
    """Write a refund of what is to be returned down, with what makes it due, unless one is under way."""
    if row.is_return_due and all(each.status != "pending" for each in known):
        number = 1 + sum(map(is_return, known))
        await write_down(connection, row, RETURN if number == 1 else f"{RETURN}/{number}", row.held, now)


async def refunds_of(connection: Connection, row: TopupRow) -> list[RefundRow]:
    """The top-up's refunds that operators asked for, oldest first."""
    rows = await connection.execute(_OF, (row.bucket, row.customer, row.topup_id), binary=True)
    fields = [field.name for field in msgspec.structs.fields(RefundRow)]
    return [RefundRow(**dict(zip(fields, each, strict=True))) for each in await rows.fetchall()]


async def write_down(
    connection: Connection, row: TopupRow, refund_id: str, amount: int, now: datetime, *, estimated: bool = False
) -> bool:
    """Write a refund down (True), or see that it was. The top-up is locked.

    Raises Problem `idempotency_mismatch`, or `refund_not_allowed` with what stands against it.
    """
    known = await refunds_of(connection, row)
    for each in known:
        if each.refund_id == refund_id:
            if each.amount != amount:
                raise Problem("idempotency_mismatch")
            return False
    if not row.received or row.reference is None:
        raise Problem("refund_not_allowed", reasons={"topup": "not_paid"})
    if any(each.is_unanswered for each in known):
        raise Problem("refund_not_allowed", reasons={"topup": "another_under_way"})
    if not 0 < amount <= row.held:
        raise Problem("refund_not_allowed", reasons={"topup": "more_than_there_is"})
    place = (row.customer, row.topup_id, refund_id, row.bucket)
    await connection.execute(_ADD, (*place, amount, row.refunded, now, now + HELD, estimated))
    return True


def lowered(refund: RefundRow, amount: int, now: datetime) -> RefundRow:
    """A refund of what is left, of which there is less by now."""
    if amount <= 0:
        return msgspec.structs.replace(refund, due_at=None, done_at=now, refused="nothing_left")
    return msgspec.structs.replace(refund, amount=amount)


async def save(connection: Connection, row: TopupRow, before: Sequence[RefundRow], after: Sequence[RefundRow]) -> None:
    """Write the refunds that have changed. The top-up is locked."""
    for was, now in zip(before, after, strict=True):
        if now != was:
            place = (row.bucket, row.customer, row.topup_id, now.refund_id)
            values = (now.amount, now.due_at, now.done_at, now.refused, now.counted_at, now.estimated)
            await connection.execute(_SAVE, (*values, *place))


async def unanswered(pool: Pool, row: TopupRow, refund_id: str) -> None:
    """Its first asking is over without an answer: what a notification tells now is not taken for it."""
    await fetch_all(pool, _UNANSWERED, (row.bucket, row.customer, row.topup_id, refund_id))


async def claim(pool: Pool, account: str, now: datetime, most: int) -> list[tuple[UUID, str]]:
    """Refunds at an account that are due, which nobody else is given for a while: top-up and refundId."""
    rows = await fetch_all(pool, _CLAIM, (now, now, account, most))
    return [(topup_id, refund_id) for topup_id, refund_id in rows]
