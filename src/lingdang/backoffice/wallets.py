"""Bells from the platform and corrections of balances, each once."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from lingdang.ids import DEFAULT_CURRENCY, MAX_AMOUNT, OWN_ID_PATTERN, REMARK_PATTERN, Currency, Customer
from lingdang.ledger.adjusting import Adjust, Adjusted
from lingdang.ledger.crediting import Credit, Credited
from lingdang.ledger.lots import lot_expiry, lot_kind
from lingdang.ledger.settlement import Settlement
from lingdang.library.wallets import LotPart
from lingdang.moments import Moment, checked

CreditId = Annotated[
    str,
    Meta(
        pattern=OWN_ID_PATTERN,
        description="Your own id of this credit, unique within the customer, whatever the currency: it is booked once, "
        "however often it is sent. Another customer's credit may have the same id, and is another credit.",
    ),
]

AdjustmentId = Annotated[
    str,
    Meta(pattern=OWN_ID_PATTERN, description="Your own id of this adjustment, unique within the customer."),
]


class CreditRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A credit of whole bells. `credit_id` is the sender's own, unique within the customer, and makes it idempotent."""

    credit_id: CreditId
    amount: Annotated[int, Meta(ge=1, le=MAX_AMOUNT)]
    kind: Literal["paid", "bonus"]
    reason: Annotated[str, Meta(pattern=REMARK_PATTERN)]
    expires_at: Moment | None = None
    currency: Currency = DEFAULT_CURRENCY
    create_customer: bool = False
    """A custId nobody has heard of becomes a customer's."""


class CreditAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """A booked credit; `balance` is the wallet's right after it.

    `expires_at` is when what is left of it lapses: in a wallet with very many expiries somewhat later than asked.
    """

    credit_id: str
    cust_id: str
    currency: str
    amount: int
    kind: str
    reason: str
    expires_at: datetime | None
    balance: int
    credited_at: datetime


def end_of(request: CreditRequest) -> datetime | None:
    """When what is left of the credit is to lapse. Raises Problem `invalid_request` when that is out of bounds."""
    return checked("expires_at", request.expires_at)


async def credit_wallet(
    settlement: Settlement, customer: Customer, request: CreditRequest
) -> tuple[CreditAnswer, bool]:
    """Book a credit, or answer as it was answered when it was booked (True: a replay).

    Raises Problem `idempotency_mismatch`, `wallet_full`, `invalid_request` (already lapsed, or out of bounds) or
    `overloaded`.
    """
    expires_at = end_of(request)
    done = await settlement.submit(
        Credit(
            customer=customer.key,
            credit_id=request.credit_id,
            currency=request.currency,
            amount=request.amount,
            kind=request.kind,
            expires_at=expires_at,
            reason=request.reason,
        )
    )
    assert isinstance(done.record, Credited), "a credit is answered with its record"
    return _answer(customer, done.record), done.replayed


def _answer(customer: Customer, record: Credited) -> CreditAnswer:
    return CreditAnswer(
        credit_id=record.credit_id,
        cust_id=customer.cust_id,
        currency=record.currency,
        amount=record.amount,
        kind=record.kind,
        reason=record.reason,
        expires_at=lot_expiry(record.lot),
        balance=record.balance,
        credited_at=record.credited_at,
    )


class AdjustmentRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A correction of a balance by whole bells: above 0 it adds, below 0 it takes. `note` is internal."""

    adjustment_id: AdjustmentId
    amount: Annotated[int, Meta(ge=-MAX_AMOUNT, le=MAX_AMOUNT)]
    reason: Annotated[str, Meta(pattern=REMARK_PATTERN)]
    note: Annotated[str, Meta(pattern=REMARK_PATTERN)] | None = None
    currency: Currency = DEFAULT_CURRENCY

    def __post_init__(self) -> None:
        if self.amount == 0:
            raise ValueError("Expected an `amount` other than 0")


class AdjustmentAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """A booked adjustment; `lots` tell how much went into each or (below 0) came from it."""

    adjustment_id: str
    cust_id: str
    currency: str
    amount: int
    lots: list[LotPart]
    reason: str
    balance: int
    adjusted_at: datetime


async def adjust_wallet(
    settlement: Settlement, customer: Customer, request: AdjustmentRequest
) -> tuple[AdjustmentAnswer, bool]:
    """Correct a balance, or answer as it was answered when it was booked (True: a replay).

    Raises Problem `insufficient_bells`, `wallet_full`, `idempotency_mismatch` or `overloaded`.
    """
    done = await settlement.submit(
        Adjust(
            customer=customer.key,
            adjustment_id=request.adjustment_id,
            currency=request.currency,
            amount=request.amount,
            reason=request.reason,
            note=request.note,
        )
    )
    assert isinstance(done.record, Adjusted), "an adjustment is answered with its record"
    return _adjusted(customer, done.record), done.replayed


def _adjusted(customer: Customer, record: Adjusted) -> AdjustmentAnswer:
    return AdjustmentAnswer(
        adjustment_id=record.adjustment_id,
        cust_id=customer.cust_id,
        currency=record.currency,
        amount=record.amount,
        lots=[LotPart(lot_kind(name), amount, lot_expiry(name)) for name, amount in record.lots if amount],
        reason=record.reason,
        balance=record.balance,
        adjusted_at=record.adjusted_at,
    )
