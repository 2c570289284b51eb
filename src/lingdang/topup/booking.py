"""Booking: what a top-up's money means for its bells, through the settlement. Each command says how things stand."""

from datetime import datetime, timedelta

import msgspec

from lingdang.errors import Problem
from lingdang.ledger.settlement import Settlement
from lingdang.ledger.topping_up import TopUp
from lingdang.topup.rows import TopupRow

FULL = "wallet_full"
"""What differs of money whose bells no wallet could hold."""


async def book(settlement: Settlement, after: TopupRow, now: datetime) -> TopupRow:
    """Credit what is due. Answers the top-up with when it was credited.

    Raises Problem when it is not known whether it was done: once more does no harm.
    """
    if after.is_credit_due:
        after = await _credited(settlement, after, now)
    return after


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
        test=row.test,
    )
    try:
        done = await settlement.submit(topup)
    except Problem as problem:
        if problem.code != FULL:
            raise
        return msgspec.structs.replace(row, differs=tuple(dict.fromkeys([*row.differs, FULL])), decided=None)
    return msgspec.structs.replace(row, credited_at=done.record.credited_at)
