"""Paying: an order's total is taken, the order recorded, its products granted, its vouchers used up."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from lingdang.errors import Problem, session_ended
from lingdang.ledger import lots
from lingdang.ledger.book import Book
from lingdang.ledger.done import Done
from lingdang.ledger.limits import in_debt, too_few
from lingdang.ledger.lines import Line, UsedVoucher
from lingdang.ledger.state import Row, Wallet

KIND = "payment"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(tuple[tuple[Line, ...], tuple[UsedVoucher, ...]]).decode


class Pay(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Take an offer's total, record the order and grant its products. Idempotent by `order_id`.

    `transfers`: how many rows the customer's journal had when none of the products was owned; None when nobody knows.
    """

    customer: int
    session_id: UUID
    order_id: UUID
    currency: str
    lines: tuple[Line, ...]
    vouchers: tuple[UsedVoucher, ...]
    subtotal: int
    discount: int
    total: int
    expires_at: datetime
    transfers: int | None = None
    order: ClassVar[None] = None

    @property
    def cause(self) -> UUID:
        """What its row in the journal is found by."""
        return self.order_id

    @property
    def rights(self) -> list[str]:
        """The products to which a right matters."""
        return [line.product_id for line in self.lines]


class Order(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A paid order. `balance` is the wallet's right after it, `seq` the row of the journal that paid it."""

    customer: int
    order_id: UUID
    currency: str
    seq: int
    total: int
    balance: int
    paid_at: datetime
    lines: tuple[Line, ...]
    vouchers: tuple[UsedVoucher, ...]


def read(row: Row) -> Order:
    """The order as its row has it."""
    lines, vouchers = _decode(row.detail)
    return _order(row, lines, vouchers)


def decide(book: Book, pay: Pay) -> Done | Problem:
    """Refuse, or take the bells and grant the products."""
    state = book.state
    if state.ended_sessions and pay.session_id in state.ended_sessions:
        return session_ended()
    paid = book.row(pay.customer, pay.order_id)
    if paid is not None:
        return Done(read(paid), replayed=True)
    wallet = book.wallet(pay.customer, pay.currency)
    names = pay.rights
    refusal = _refuse(book, pay, names, wallet)
    if refusal is not None:
        return refusal
    held, taken = lots.take((wallet.lots, wallet.remaining), pay.total)
    accounts: list[str | int] = [lots.account_of(name) for name in taken[0]]
    amounts = [-amount for amount in taken[1]]
    _add_revenue(accounts, amounts, pay)
    detail = msgspec.Raw(_encode((pay.lines, pay.vouchers)))
    row = book.post(wallet, held, -pay.total, KIND, pay.order_id, accounts, amounts, detail)
    book.grant(row, names)
    if pay.vouchers or state.first_purchase:
        book.use(row, pay.vouchers)
    return Done(_order(row, pay.lines, pay.vouchers))


def _refuse(book: Book, pay: Pay, names: list[str], wallet: Wallet) -> Problem | None:
    if pay.expires_at <= book.now:
        return Problem("token_expired")
    unavailable = book.state.unavailable
    if unavailable:
        gone = [name for name in names if name in unavailable]
        if gone:
            return Problem("product_unavailable", productIds=gone)
    owned = book.owned(pay.customer, names)
    if owned:
        return Problem("already_owned", productIds=owned)
    if pay.vouchers and (reasons := _unusable(book, pay)):
        return Problem("voucher_unusable", voucherIds=list(reasons), reasons=reasons)
    if wallet.balance < pay.total:
        return in_debt(wallet.debt) if wallet.debt else too_few(pay.total, wallet.balance)
    return None


def _unusable(book: Book, pay: Pay) -> dict[str, str]:
    """Why which of the order's vouchers cannot be used any more."""
    ids = [voucher.voucher_id for voucher in pay.vouchers]
    return {i: reason for i in ids if (reason := book.unusable(pay.customer, i))}


def _add_revenue(accounts: list[str | int], amounts: list[int], pay: Pay) -> None:
    """The platform's side of a payment: gross revenue by publisher, the discount against it."""
    places: dict[str, int] = {}
    for number, line in enumerate(pay.lines):
        publisher = line.publisher or ""
        place = places.get(publisher)
        if place is not None:
            amounts[place] += line.price
        elif line.price:
            places[publisher] = len(amounts)
            accounts.append(number)
            amounts.append(line.price)
    if pay.discount:
        accounts.append("discount")
        amounts.append(-pay.discount)


def _order(row: Row, lines: tuple[Line, ...], vouchers: tuple[UsedVoucher, ...]) -> Order:
    return Order(
        customer=row.customer,
        order_id=row.cause,
        currency=row.currency,
        seq=row.seq,
        total=-row.amount,
        balance=row.balance,
        paid_at=row.at,
        lines=lines,
        vouchers=vouchers,
    )
