"""Redeeming: the bells of a gift code, each code once."""

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
from lingdang.ledger.limits import too_many
from lingdang.ledger.state import Row

KIND = "gift"


class Redeem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Add a gift code's bells to a wallet, as bonus. Idempotent by `gift_id`, a hash of the code.

    That nobody else redeems the code is for whoever asks to see to, before; and that it is still good.
    """

    customer: int
    gift_id: str
    campaign: str
    currency: str
    amount: int
    expires_at: datetime | None
    rights: ClassVar[tuple[str, ...]] = ()
    order: ClassVar[None] = None

    @property
    def cause(self) -> UUID:
        """What its row in the journal is found by."""
        return cause_of(self.customer, KIND, self.gift_id)


class Detail(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What is fixed about a gift beside its legs. `expires_at` is what the code said."""

    gift_id: str
    campaign: str
    expires_at: datetime | None = None


class Redeemed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A redeemed code. `balance` is the wallet's right after it, `lot` where the bells came in.

    `debt_paid` of them paid a debt.
    """

    gift_id: str
    campaign: str
    currency: str
    seq: int
    amount: int
    expires_at: datetime | None
    lot: str
    debt_paid: int = 0
    balance: int
    redeemed_at: datetime


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Detail).decode


def read(row: Row) -> Redeemed:
    """The gift as its row has it."""
    detail = _decode(row.detail)
    [(lot, _)] = lots.of_legs(row.accounts, row.amounts)
    return Redeemed(
        gift_id=detail.gift_id,
        campaign=detail.campaign,
        currency=row.currency,
        seq=row.seq,
        amount=debts.came(row),
        expires_at=detail.expires_at,
        lot=lot,
        debt_paid=debts.paid_by(row),
        balance=row.balance,
        redeemed_at=row.at,
    )


def decide(book: Book, redeem: Redeem) -> Done | Problem:
    """Refuse, or add the bells. What a code's end says was judged when the code was taken, not again here."""
    booked = book.row(redeem.customer, redeem.cause)
    if booked is not None:
        record = read(booked)
        same = (record.campaign, record.currency, record.amount) == (redeem.campaign, redeem.currency, redeem.amount)
        return Done(record, replayed=True) if same else Problem("idempotency_mismatch")
    wallet = book.wallet(redeem.customer, redeem.currency)
    if wallet.balance + redeem.amount > MAX_AMOUNT:
        return too_many()
    held = (wallet.lots, wallet.remaining)
    name = lots.lot_for(held, "bonus", redeem.expires_at)
    held = lots.add(held, name, redeem.amount)
    accounts = ["clearing:bonus", lots.account_of(name)]
    detail = msgspec.Raw(_encode(Detail(redeem.gift_id, redeem.campaign, redeem.expires_at)))
    amounts = [-redeem.amount, redeem.amount]
    return Done(read(book.post(wallet, held, redeem.amount, KIND, redeem.cause, accounts, amounts, detail)))
