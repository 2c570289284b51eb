"""Refunds of a top-up's money that an operator asked for: written down, taken back in bells, then given back in money.

The bells go first, so that nobody spends what is being paid out. A provider that refuses has them come back.
"""

from datetime import datetime, timedelta
from typing import Literal, NamedTuple
from uuid import UUID

import msgspec

from lingdang.db.pool import Connection, Pool, fetch_all
from lingdang.errors import Problem
from lingdang.topup.rows import TopupRow

_PROMISED = """
SELECT coalesce(max(base + amount), 0)::bigint FROM topup_refund
 WHERE bucket = %b AND customer = %b AND topup_id = %b AND due_at IS NOT NULL AND refund_id IS DISTINCT FROM %b
"""
_COLUMNS = "SELECT refund_id, amount, base, tries, asked_at, due_at, done_at, refused FROM topup_refund"
_OF = f"{_COLUMNS} WHERE bucket = %b AND customer = %b AND topup_id = %b ORDER BY asked_at, refund_id"
_ADD = """
INSERT INTO topup_refund (customer, topup_id, refund_id, bucket, amount, base, asked_at, due_at)
VALUES (%b, %b, %b, %b, %b, %b, %b, %b)
"""
_DONE = """
UPDATE topup_refund SET due_at = NULL, done_at = %b, refused = %b
 WHERE bucket = %b AND customer = %b AND topup_id = %b AND refund_id = %b AND due_at IS NOT NULL
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

RefundStatus = Literal["pending", "done", "refused"]


class RefundRow(msgspec.Struct, frozen=True, kw_only=True):
    """A refund of money. `base` is what had gone back before it."""

    refund_id: str
    amount: int
    base: int
    tries: int
    asked_at: datetime
    due_at: datetime | None
    done_at: datetime | None
    refused: str | None

    @property
    def status(self) -> RefundStatus:
        """Whether it is under way, done, or refused by the provider."""
        if self.due_at is not None:
            return "pending"
        return "done" if self.refused is None else "refused"


class Refusal(NamedTuple):
    """The provider will not make this refund, for a reason in its own words."""

    refund_id: str
    reason: str


async def promised(connection: Connection, row: TopupRow, *, without: Refusal | None = None) -> int:
    """How much of the money will have gone back when what is under way is done, `without` what is refused; 0 when
    nothing is."""
    place = (row.bucket, row.customer, row.topup_id, None if without is None else without.refund_id)
    rows = await connection.execute(_PROMISED, place, binary=True)
    [(amount,)] = await rows.fetchall()
    return int(amount)


async def refunds_of(connection: Connection, row: TopupRow) -> list[RefundRow]:
    """The top-up's refunds that operators asked for, oldest first."""
    rows = await connection.execute(_OF, (row.bucket, row.customer, row.topup_id), binary=True)
    fields = [field.name for field in msgspec.structs.fields(RefundRow)]
    return [RefundRow(**dict(zip(fields, each, strict=True))) for each in await rows.fetchall()]


async def write_down(connection: Connection, row: TopupRow, refund_id: str, amount: int, now: datetime) -> bool:
    """Write a refund down (True), or see that it was. The top-up is locked.

    Raises Problem `idempotency_mismatch`, or `refund_not_allowed` with what stands against it.
    """
    known = await refunds_of(connection, row)
    for each in known:
        if each.refund_id == refund_id:
            if each.amount != amount:
                raise Problem("idempotency_mismatch")
            return False
    room = row.received - row.refunded - row.disputed - row.lost
    if not row.received or row.reference is None:
        raise Problem("refund_not_allowed", reasons={"topup": "not_paid"})
    if any(each.status == "pending" for each in known):
        raise Problem("refund_not_allowed", reasons={"topup": "another_under_way"})
    if not 0 < amount <= room:
        raise Problem("refund_not_allowed", reasons={"topup": "more_than_there_is"})
    place = (row.customer, row.topup_id, refund_id, row.bucket)
    await connection.execute(_ADD, (*place, amount, row.refunded, now, now + HELD))
    return True


async def end(pool: Pool, row: TopupRow, refund_id: str, now: datetime) -> None:
    """A refund was done."""
    await fetch_all(pool, _DONE, (now, None, row.bucket, row.customer, row.topup_id, refund_id))


async def refuse(connection: Connection, row: TopupRow, refund: Refusal, now: datetime) -> None:
    """A refund was refused, in the transaction in which its bells come back: whoever ends between is followed."""
    ended = (now, refund.reason, row.bucket, row.customer, row.topup_id, refund.refund_id)
    await connection.execute(_DONE, ended)


async def claim(pool: Pool, account: str, now: datetime, most: int) -> list[tuple[UUID, str]]:
    """Refunds at an account that are due, which nobody else is given for a while: top-up and refundId."""
    rows = await fetch_all(pool, _CLAIM, (now, now, account, most))
    return [(topup_id, refund_id) for topup_id, refund_id in rows]
