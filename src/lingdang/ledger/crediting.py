"""Crediting: bells from the platform, each credit once."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from lingdang.errors import Problem, invalid_field
from lingdang.ids import MAX_AMOUNT
from lingdang.ledger import debts, lots
from lingdang.ledger.book import Book
from lingdang.ledger.causes import cause_of
from lingdang.ledger.done import Done
from lingdang.ledger.limits import too_many
from lingdang.ledger.lots import LotKind
from lingdang.ledger.state import Row

KIND = "credit"


class Credit(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Add bells to a wallet. Idempotent by `credit_id`; what is left of them lapses no sooner than `expires_at`."""

    customer: int
    credit_id: str
    currency: str
    amount: int
    kind: LotKind
    expires_at: datetime | None
    reason: str

    @property
    def cause(self) -> UUID:
        """What its row in the journal is found by."""
        return cause_of(self.customer, KIND, self.credit_id)

    rights: ClassVar[tuple[str, ...]] = ()
    order: ClassVar[None] = None


class Detail(msgspec.Struct, frozen=True, rename="camel"):
    """What is fixed about a credit beside its legs. `expires_at` is what was asked."""

    credit_id: str
    kind: LotKind
    reason: str
    expires_at: datetime | None = None


class Credited(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A booked credit. `balance` is the wallet's right after it.

    `expires_at` is what was asked, `lot` where the bells lie: its expiry is theirs (lingdang.ledger.lots).
    """

    customer: int
    credit_id: str
    currency: str
    seq: int
    amount: int
    kind: LotKind
    expires_at: datetime | None
    lot: str
    reason: str
    balance: int
    credited_at: datetime


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Detail).decode


def read(row: Row) -> Credited:
    """The credit as its row has it."""
    detail = _decode(row.detail)
    [(lot, _)] = lots.of_legs(row.accounts, row.amounts)
    return Credited(
        customer=row.customer,
        credit_id=detail.credit_id,
        currency=row.currency,
        seq=row.seq,
        amount=debts.came(row),
        kind=detail.kind,
        expires_at=detail.expires_at,
        lot=lot,
        reason=detail.reason,
        balance=row.balance,
        credited_at=row.at,
    )


def decide(book: Book, credit: Credit) -> Done | Problem:
    """Refuse, or add the bells."""
    cause = credit.cause
    booked = book.row(credit.customer, cause)
    if booked is not None:
        record = read(booked)
        return Done(record, replayed=True) if _same(credit, record) else Problem("idempotency_mismatch")
    wallet = book.wallet(credit.customer, credit.currency)
    if credit.expires_at is not None and credit.expires_at <= book.now:
        return invalid_field("expires_at", "It is in the past")
    if wallet.balance + credit.amount > MAX_AMOUNT:
        return too_many()
    name = lots.lot_for((wallet.lots, wallet.remaining), credit.kind, credit.expires_at)
    held = lots.add((wallet.lots, wallet.remaining), name, credit.amount)
    accounts = [f"clearing:{credit.kind}", lots.account_of(name)]
    detail = msgspec.Raw(_encode(Detail(credit.credit_id, credit.kind, credit.reason, credit.expires_at)))
    row = book.post(wallet, held, credit.amount, KIND, cause, accounts, [-credit.amount, credit.amount], detail)
    return Done(read(row))


def _same(credit: Credit, booked: Credited) -> bool:
    return (credit.currency, credit.amount, credit.kind, credit.expires_at, credit.reason) == (
        booked.currency,
        booked.amount,
        booked.kind,
        booked.expires_at,
        booked.reason,
    )
