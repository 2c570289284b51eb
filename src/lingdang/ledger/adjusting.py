"""Adjusting: an operator's correction of a balance, up or down, each one once."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from lingdang.errors import Problem
from lingdang.ids import MAX_AMOUNT
from lingdang.ledger import debts, lots
from lingdang.ledger.book import Book
from lingdang.ledger.causes import cause_of
from lingdang.ledger.done import Done
from lingdang.ledger.limits import too_few, too_many
from lingdang.ledger.state import Row, Wallet

KIND = "adjustment"
_ACCOUNT = "adjustment"
_LOT = lots.lot_name("bonus", None)
"""Where bells of a correction upwards go: nobody has paid for them."""


class Adjust(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Add bells to a wallet, or take some from it (`amount` below 0). Idempotent by `adjustment_id`."""

    customer: int
    adjustment_id: str
    currency: str
    amount: int
    reason: str
    note: str | None

    @property
    def cause(self) -> UUID:
        """What its row in the journal is found by."""
        return cause_of(self.customer, KIND, self.adjustment_id)

    rights: ClassVar[tuple[str, ...]] = ()
    order: ClassVar[None] = None


class Detail(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What is fixed about an adjustment beside its legs. The note is for operators alone."""

    adjustment_id: str
    reason: str
    note: str | None = None


class Adjusted(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A booked adjustment. `balance` is the wallet's right after it, `lots` how much went where or came from where."""

    adjustment_id: str
    currency: str
    seq: int
    amount: int
    lots: list[tuple[str, int]]
    reason: str
    balance: int
    adjusted_at: datetime


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Detail).decode


def read(row: Row) -> Adjusted:
    """The adjustment as its row has it."""
    detail = _decode(row.detail)
    return Adjusted(
        adjustment_id=detail.adjustment_id,
        currency=row.currency,
        seq=row.seq,
        amount=debts.came(row),
        lots=lots.of_legs(row.accounts, row.amounts),
        reason=detail.reason,
        balance=row.balance,
        adjusted_at=row.at,
    )


def decide(book: Book, adjust: Adjust) -> Done | Problem:
    """Refuse, or correct the balance. What is taken comes from the lots in the order in which a payment takes them."""
    booked = book.row(adjust.customer, adjust.cause)
    detail = Detail(adjust.adjustment_id, adjust.reason, adjust.note)
    if booked is not None:
        same = (booked.currency, debts.came(booked), _decode(booked.detail)) == (adjust.currency, adjust.amount, detail)
        return Done(read(booked), replayed=True) if same else Problem("idempotency_mismatch")
    wallet = book.wallet(adjust.customer, adjust.currency)
    refusal = _refusal(wallet, adjust.amount)
    if refusal is not None:
        return refusal
    held, moved = _moved(wallet, adjust.amount)
    accounts = [*(lots.account_of(name) for name, _ in moved), _ACCOUNT]
    amounts = [*(amount for _, amount in moved), -adjust.amount]
    raw = msgspec.Raw(_encode(detail))
    return Done(read(book.post(wallet, held, adjust.amount, KIND, adjust.cause, accounts, amounts, raw)))


def _refusal(wallet: Wallet, amount: int) -> Problem | None:
    if wallet.balance + amount < 0:
        return too_few(-amount, wallet.balance)
    if wallet.balance + amount > MAX_AMOUNT:
        return too_many()
    return None


def _moved(wallet: Wallet, amount: int) -> tuple[lots.Lots, list[tuple[str, int]]]:
    """What the wallet holds then, and how much went into (+) or came from (−) which lot."""
    held = (wallet.lots, wallet.remaining)
    if amount > 0:
        return lots.add(held, _LOT, amount), [(_LOT, amount)]
    left, taken = lots.take(held, -amount)
    return left, [(name, -part) for name, part in zip(*taken, strict=True)]
