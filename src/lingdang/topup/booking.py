"""Booking: what a top-up's money means for its bells, through the settlement. Each command says how things stand."""

from datetime import datetime, timedelta

import msgspec

from lingdang.errors import Problem
from lingdang.ledger.settlement import Settlement
from lingdang.ledger.taking_back import TakeBack, TakenBack
from lingdang.ledger.topping_up import TopUp
from lingdang.topup.rows import TopupRow

FULL = "wallet_full"
"""What differs of money whose bells no wallet could hold."""


class Booked(msgspec.Struct, frozen=True):
    """The top-up, with when it was credited, and how its bells stand when some were to be taken back."""

    row: TopupRow
    taken: TakenBack | None = None


async def book(
    settlement: Settlement, before: TopupRow, after: TopupRow, promised: int, now: datetime, left_only: bool = False
) -> Booked:
    """Credit what is due, then take back as much as its money went back; `promised` is what else is on its way back.
    `left_only`: only bells of the top-up that are left are taken, or Problem `refund_not_allowed` is raised.

    Raises Problem when it is not known whether it was done: once more does no harm.
    """
    row = await _credited(settlement, after, now) if after.is_credit_due else after
    gone = row.refunded + promised + row.lost
    if row.credited_at is None or not (gone or row.disputed or before.credited_at):
        return Booked(row)
    command = TakeBack(
        customer=row.customer,
        topup_id=row.topup_id,
        refunded=gone,
        disputed=row.disputed,
        reason="dispute" if row.disputed or row.lost else "refund",
        left_only=left_only,
    )
    done = await settlement.submit(command)
    assert isinstance(done.record, TakenBack), "a take-back is answered with its record"
    return Booked(row, done.record)


async def _credited(settlement: Settlement, row: TopupRow, now: datetime) -> TopupRow:
    money = row.money
    ends = None if row.bonus_days is None or not row.bonus else now + timedelta(days=row.bonus_days)
    topup = TopUp(
        customer=row.customer,
        topup_id=row.topup_id,
        currency=row.currency,
        paid=row.paid,
        bonus=row.bonus,
        bonus_expires_at=ends,
        provider=row.account,
        price=money.amount,
        price_currency=money.currency,
        reference=row.reference,
        test=row.test,
    )
    try:
        done = await settlement.submit(topup)
    except Problem as problem:
        if problem.code != FULL:
            raise
        return msgspec.structs.replace(row, differs=tuple(dict.fromkeys([*row.differs, FULL])), decided=None)
    return msgspec.structs.replace(row, credited_at=done.record.credited_at)
