"""Topping up: bells for real money. Paid bells and the bonus that goes with them come in one row.

No limit of ours refuses what somebody has paid for, but that no wallet holds more than MAX_AMOUNT.
"""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from lingdang.errors import Problem
from lingdang.ids import MAX_AMOUNT
from lingdang.ledger import lots
from lingdang.ledger.book import Book
from lingdang.ledger.causes import cause_of
from lingdang.ledger.done import Done
from lingdang.ledger.limits import too_many
from lingdang.ledger.lots import LotKind
from lingdang.ledger.state import Row, Wallet

KIND = "topup"


class TopUp(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Add the bells of a paid top-up to a wallet. Idempotent by `topup_id`.

    `price` is what was paid for all of them, in minor units of `price_currency`, by the payment that its provider calls
    `reference`: another payment cannot be taken for the one that was credited. A repeat may name another
    `bonus_expires_at`, which is reckoned from the moment of crediting: the first one holds. Bells of a `test`, which
    nobody has paid for, are bonus.
    """

    customer: int
    topup_id: UUID
    currency: str
    paid: int
    bonus: int
    bonus_expires_at: datetime | None
    provider: str
    price: int
    price_currency: str
    reference: str | None = None
    test: bool = False
    rights: ClassVar[tuple[str, ...]] = ()
    order: ClassVar[None] = None

    @property
    def cause(self) -> UUID:
        """What its row in the journal is found by."""
        return topup_cause(self.customer, self.topup_id)


class Price(msgspec.Struct, frozen=True, gc=False):
    """Real money in minor units."""

    amount: int
    currency: str


class Detail(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What is fixed about a top-up beside its legs. `lots` are those that its bells came into, the paid ones first."""

    topup_id: UUID
    paid: int
    bonus: int
    lots: list[tuple[str, int]]
    provider: str
    price: Price
    reference: str | None = None
    bonus_expires_at: datetime | None = None
    test: bool = False


class ToppedUp(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A booked top-up. `balance` is the wallet's right after it; `lots` are those that its bells came into."""

    customer: int
    topup_id: UUID
    currency: str
    seq: int
    paid: int
    bonus: int
    bonus_expires_at: datetime | None
    lots: list[tuple[str, int]]
    provider: str
    price: Price
    reference: str | None
    test: bool
    balance: int
    credited_at: datetime


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Detail).decode


def topup_cause(customer: int, topup_id: UUID) -> UUID:
    """What a top-up's row in the journal is found by."""
    return cause_of(customer, KIND, str(topup_id))


def detail_of(row: Row) -> Detail:
    """What is fixed about a top-up beside its legs."""
    return _decode(row.detail)


def read(row: Row) -> ToppedUp:
    """The top-up as its row has it."""
    detail = detail_of(row)
    return ToppedUp(
        customer=row.customer,
        topup_id=detail.topup_id,
        currency=row.currency,
        seq=row.seq,
        paid=detail.paid,
        bonus=detail.bonus,
        bonus_expires_at=detail.bonus_expires_at,
        lots=detail.lots,
        provider=detail.provider,
        price=detail.price,
        reference=detail.reference,
        test=detail.test,
        balance=row.balance,
        credited_at=row.at,
    )


def decide(book: Book, topup: TopUp) -> Done | Problem:
    """Refuse, or add the bells."""
    booked = book.row(topup.customer, topup.cause)
    if booked is not None:
        record = read(booked)
        return Done(record, replayed=True) if _same(topup, record) else Problem("idempotency_mismatch")
    wallet = book.wallet(topup.customer, topup.currency)
    amount = topup.paid + topup.bonus
    if wallet.balance + amount > MAX_AMOUNT:
        return too_many()
    added, held = _added(wallet, topup)
    accounts, amounts = _legs(added)
    detail = msgspec.Raw(_encode(_detail(topup, added)))
    return Done(read(book.post(wallet, held, amount, KIND, topup.cause, accounts, amounts, detail)))


def _added(wallet: Wallet, topup: TopUp) -> tuple[list[tuple[str, int]], lots.Lots]:
    """Which lots the bells come into, and what the wallet holds then."""
    held = (wallet.lots, wallet.remaining)
    parts: tuple[tuple[LotKind, datetime | None, int], ...] = (
        ("bonus" if topup.test else "paid", None, topup.paid),
        ("bonus", topup.bonus_expires_at, topup.bonus),
    )
    added: dict[str, int] = {}
    for kind, expires_at, amount in parts:
        if amount:
            name = lots.lot_for(held, kind, expires_at)
            held = lots.add(held, name, amount)
            added[name] = added.get(name, 0) + amount
    return list(added.items()), held


def _legs(added: list[tuple[str, int]]) -> tuple[list[str | int], list[int]]:
    """Each kind's clearing account, and the lots."""
    cleared: dict[str, int] = {}
    for name, amount in added:
        account = f"clearing:{lots.lot_kind(name)}"
        cleared[account] = cleared.get(account, 0) - amount
    return (
        [*cleared, *(lots.account_of(name) for name, _ in added)],
        [*cleared.values(), *(amount for _, amount in added)],
    )


def _detail(topup: TopUp, added: list[tuple[str, int]]) -> Detail:
    return Detail(
        topup_id=topup.topup_id,
        paid=topup.paid,
        bonus=topup.bonus,
        lots=added,
        provider=topup.provider,
        price=Price(topup.price, topup.price_currency),
        reference=topup.reference,
        bonus_expires_at=topup.bonus_expires_at,
        test=topup.test,
    )


def _same(topup: TopUp, booked: ToppedUp) -> bool:
    if topup.reference != booked.reference and None not in (topup.reference, booked.reference):
        return False
    return (topup.currency, topup.paid, topup.bonus, topup.provider, topup.price, topup.price_currency, topup.test) == (
        booked.currency,
        booked.paid,
        booked.bonus,
        booked.provider,
        booked.price.amount,
        booked.price.currency,
        booked.test,
    )
