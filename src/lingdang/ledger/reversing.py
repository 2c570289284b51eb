"""Reversing: a credit that should not have been booked, taken back whole out of the lot that it went into."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from lingdang.errors import Problem
from lingdang.ledger import lots
from lingdang.ledger.book import Book
from lingdang.ledger.causes import cause_of
from lingdang.ledger.done import Done
from lingdang.ledger.limits import too_few
from lingdang.ledger.state import Row

KIND = "reversal"


class Reverse(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Take a credit back. Idempotent by the credit, whose currency, lot and amount whoever asks has read in its row."""

    customer: int
    credit_id: str
    currency: str
    lot: str
    amount: int
    reason: str
    rights: ClassVar[tuple[str, ...]] = ()
    order: ClassVar[None] = None

    @property
    def cause(self) -> UUID:
        """What its row in the journal is found by."""
        return cause_of(self.customer, KIND, self.credit_id)


class Detail(msgspec.Struct, frozen=True, rename="camel"):
    """What is fixed about a reversal beside its legs."""

    credit_id: str
    reason: str


class Reversed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A credit that was taken back. `balance` is the wallet's right after it."""

    credit_id: str
    seq: int
    balance: int
    at: datetime


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Detail).decode


def detail_of(row: Row) -> Detail:
    """What is fixed about a reversal beside its legs."""
    return _decode(row.detail)


def decide(book: Book, reverse: Reverse) -> Done | Problem:
    """Refuse where the lot has less than the credit, or take the bells."""
    booked = book.row(reverse.customer, reverse.cause)
    if booked is not None:
        return Done(_record(booked, reverse), replayed=True)
    wallet = book.wallet(reverse.customer, reverse.currency)
    held = dict(zip(wallet.lots, wallet.remaining, strict=True))
    left = held.pop(reverse.lot, 0) - reverse.amount
    if left < 0:
        return too_few(reverse.amount, left + reverse.amount)
    kept = {name: left if name == reverse.lot else held[name] for name in wallet.lots if name in held or left}
    accounts = [lots.account_of(reverse.lot), f"clearing:{lots.lot_kind(reverse.lot)}"]
    amounts = [-reverse.amount, reverse.amount]
    detail = msgspec.Raw(_encode(Detail(reverse.credit_id, reverse.reason)))
    remaining = (tuple(kept), tuple(kept.values()))
    row = book.post(wallet, remaining, -reverse.amount, KIND, reverse.cause, accounts, amounts, detail)
    return Done(_record(row, reverse))


def _record(row: Row, reverse: Reverse) -> Reversed:
    return Reversed(credit_id=reverse.credit_id, seq=row.seq, balance=row.balance, at=row.at)
