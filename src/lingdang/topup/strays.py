"""Strays: payments of no top-up, or the second of one that was paid. They are for operators to decide. Pure."""

from datetime import datetime
from hashlib import sha256
from uuid import UUID

import msgspec

from lingdang.topup.providers.provider import Standing
from lingdang.topup.rows import NOBODY, TopupRow

UNKNOWN, REPEATED = "unknown", "repeated"
"""What differs of them."""


def payment_id(account: str, reference: str) -> UUID:
    """What is told of a payment of which no top-up is known is found by: its own top-up's id, should it become one."""
    return UUID(bytes=sha256(f"{account} {reference}".encode()).digest()[:16], version=5)


def stray_of(
    topup_id: UUID,
    customer: int,
    bucket: int,
    account: str,
    standing: Standing,
    found: TopupRow | None,
    now: datetime,
) -> TopupRow:
    """The row of a payment before it is merged; of a second one it promises what the first one did.

    `found`: the top-up that it names, which has another payment or is another account's.
    """
    money = standing.received
    if found is not None and found.account == account:
        return msgspec.structs.replace(
            found,
            topup_id=topup_id,
            reference=standing.reference,
            action=None,
            received=0,
            received_currency=None,
            refunded=0,
            disputed=0,
            lost=0,
            returns=(),
            told={},
            closed=None,
            differs=(REPEATED,),
            decided=None,
            version=0,
            paid_at=None,
            credited_at=None,
            finished=False,
            created_at=now,
            expires_at=now,
            asks=0,
            next_ask_at=None,
        )
    return TopupRow(
        customer=customer,
        topup_id=topup_id,
        bucket=bucket,
        package_id="",
        name="",
        account=account,
        channel="web",
        currency="BELL",
        paid=0,
        bonus=0,
        bonus_days=None,
        price=0 if money is None else money.amount,
        price_currency="XXX" if money is None else money.currency,
        reference=standing.reference,
        differs=(UNKNOWN,),
        created_at=now,
        expires_at=now,
    )


def is_free(stray: TopupRow) -> bool:
    """Whether nothing has become of a payment of nobody but that it waits for a decision."""
    came_back = stray.refunded or stray.disputed or stray.lost or stray.returns
    return stray.customer == NOBODY and stray.decided is None and not came_back


def let_go(stray: TopupRow) -> TopupRow:
    """What is left of a payment of nobody once a top-up has it: a row without money, which is over."""
    return msgspec.structs.replace(
        stray,
        reference=None,
        received=0,
        received_currency=None,
        paid_at=None,
        closed="failed",
        differs=(),
        next_ask_at=None,
    )
