"""Refunding: the bells of an order's lines go back to the lots that they came from, and the rights end.

An order in which vouchers were applied is refunded whole, or what is left of it: else somebody would keep what only the
refunded books made cheap. An operator may keep the discount and name lines all the same.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

from lingdang.errors import Problem
from lingdang.ledger import debts, lots, paying
from lingdang.ledger.book import Book
from lingdang.ledger.causes import cause_of
from lingdang.ledger.done import Done
from lingdang.ledger.lines import Line
from lingdang.ledger.paying import Order
from lingdang.ledger.state import Row

KIND = "refund"

By = Literal["operator", "customer"]
Reason = Literal["customer_request", "duplicate", "defective", "not_as_described", "fraud", "goodwill", "other"]


class Refund(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Give an order's bells back: those of `product_ids`, or of all that is left. Idempotent by `refund_id` and `by`.

    `ordered` are the products of the order, which never change. `extend`: for how long bells live again whose lot has
    lapsed; None: they lapse at once. `offered`: the shop offers customers' own refunds; `within`: how long after the
    payment. Only a customer's own refund asks whether a product was opened. `owing`: only while its wallet is in debt.
    """

    customer: int
    order_id: UUID
    refund_id: str
    by: By
    ordered: tuple[str, ...]
    product_ids: tuple[str, ...] | None = None
    keep_discount: bool = False
    reason: Reason
    note: str | None = None
    extend: timedelta | None = None
    offered: bool = True
    within: timedelta | None = None
    vouchers_back: bool = True
    owing: bool = False

    @property
    def cause(self) -> UUID:
        """What its row in the journal is found by. The refunds of operators and customers have name spaces apart."""
        own = "own " if self.by == "customer" else ""
        return cause_of(self.customer, KIND, own + self.refund_id)

    @property
    def rights(self) -> tuple[str, ...]:
        """The products to which a right matters."""
        return self.ordered

    @property
    def order(self) -> UUID:
        """The order of which everything is asked."""
        return self.order_id


class Detail(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What is fixed about a refund beside its legs. `asked` is what was asked: a repeat must ask the same.

    `lots` are there where the legs do not tell them: in a wallet in debt.
    """

    refund_id: str
    order_id: UUID
    by: By
    lines: list[tuple[str, int]]
    reason: Reason
    vouchers: list[str] = []
    asked: tuple[str, ...] | None = None
    keep_discount: bool = False
    note: str | None = None
    lots: list[tuple[str, int]] = []


class Refunded(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A booked refund. `lots` are where the bells went; what lapsed at once is not among them.

    Of the bells in them `debt_paid` ones paid a debt in the same row.
    """

    refund_id: str
    order_id: UUID
    currency: str
    seq: int
    refunded: int
    lines: list[tuple[str, int]]
    lots: list[tuple[str, int]]
    debt_paid: int
    vouchers: list[str]
    reason: Reason
    balance: int
    refunded_at: datetime


class Taken(msgspec.Struct, frozen=True):
    """What a refund would do: the lines, how much goes into which lot, how much lapses, and vouchers."""

    lines: list[Line]
    held: list[tuple[str, int]]
    lapsed: int
    vouchers: list[str]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Detail).decode


def detail_of(row: Row) -> Detail:
    """What is fixed about a refund beside its legs."""
    return _decode(row.detail)


def read(row: Row) -> Refunded:
    """The refund as its row has it."""
    detail = detail_of(row)
    return Refunded(
        refund_id=detail.refund_id,
        order_id=detail.order_id,
        currency=row.currency,
        seq=row.seq,
        refunded=sum([amount for _, amount in detail.lines]),
        lines=detail.lines,
        lots=detail.lots or lots.of_legs(row.accounts, row.amounts),
        debt_paid=debts.paid_by(row),
        vouchers=detail.vouchers,
        reason=detail.reason,
        balance=row.balance,
        refunded_at=row.at,
    )


def decide(book: Book, refund: Refund) -> Done | Problem:
    """Refuse, or give the bells back and end the rights. No limit of ours refuses it."""
    booked = book.row(refund.customer, refund.cause)
    if booked is not None:
        same = _asked(detail_of(booked)) == _asked_now(refund)
        return Done(read(booked), replayed=True) if same else Problem("idempotency_mismatch")
    paid = book.row(refund.customer, refund.order_id)
    if paid is None or paid.kind != paying.KIND:
        return Problem("not_found")
    order = paying.read(paid)
    earlier = [detail_of(row) for row in book.refunds(refund.order_id)]
    chosen = _chosen(book, refund, order, earlier)
    if isinstance(chosen, Problem):
        return chosen
    wallet = book.wallet(refund.customer, order.currency)
    taken = _take(book, refund, paid, order, chosen, earlier)
    held = (wallet.lots, wallet.remaining)
    for name, amount in taken.held:
        held = lots.add(held, name, amount)
    accounts, amounts = _legs(taken)
    row = book.post(
        wallet,
        held,
        sum([amount for _, amount in taken.held]),
        KIND,
        refund.cause,
        accounts,
        amounts,
        msgspec.Raw(_encode(_detail(refund, taken, told=wallet.debt > 0))),
    )
    book.refunded(refund.order_id, row)
    book.revoke(refund.customer, [line.product_id for line in taken.lines], order.seq, unopened=refund.by == "customer")
    book.give_back(refund.customer, taken.vouchers, refund.order_id)
    return Done(read(row))


def _chosen(book: Book, refund: Refund, order: Order, earlier: Sequence[Detail]) -> list[Line] | Problem:
    """The lines to refund, or why they are not."""
    gone = {product_id for detail in earlier for product_id, _ in detail.lines}
    left = [line for line in order.lines if line.product_id not in gone]
    if refund.product_ids is None:
        chosen = left
        if not left:
            return Problem("already_refunded", productIds=[line.product_id for line in order.lines])
    else:
        named = set(refund.product_ids)
        if not named <= {line.product_id for line in order.lines}:
            return Problem("not_found")
        if again := [name for name in refund.product_ids if name in gone]:
            return Problem("already_refunded", productIds=again)
        chosen = [line for line in left if line.product_id in named]
    reasons = _reasons(book, refund, order, chosen, whole=len(chosen) == len(left))
    return Problem("refund_not_allowed", reasons=reasons) if reasons else chosen


def _reasons(book: Book, refund: Refund, order: Order, chosen: Sequence[Line], whole: bool) -> dict[str, str]:
    """Why these lines cannot be refunded: by product, or for `order`."""
    reasons: dict[str, str] = {}
    if order.vouchers and not whole and not refund.keep_discount:
        reasons["order"] = "voucher_order"
    if refund.within is not None and book.now - order.paid_at > refund.within:
        reasons["order"] = "too_late"
    if not refund.offered:
        reasons["order"] = "not_offered"
    if refund.owing and not book.wallet(refund.customer, order.currency).debt:
        reasons["order"] = "not_owing"
    if refund.by == "customer":
        for line in chosen:
            if book.opened(refund.customer, line.product_id):
                reasons[line.product_id] = "opened"
    return reasons


def _take(
    book: Book, refund: Refund, paid: Row, order: Order, chosen: Sequence[Line], earlier: Sequence[Detail]
) -> Taken:
    before = sum([amount for detail in earlier for _, amount in detail.lines])
    amount = sum([line.payable for line in chosen])
    held: dict[str, int] = {}
    lapsed = 0
    for name, part in _sources(paid, before, amount):
        expiry = lots.lot_expiry(name)
        if expiry is None or expiry > book.now:
            held[name] = held.get(name, 0) + part
        elif refund.extend is None:
            lapsed += part
        else:
            new = lots.lot_name(lots.lot_kind(name), _end(book.now + refund.extend))
            held[new] = held.get(new, 0) + part
    done = sum([len(detail.lines) for detail in earlier]) + len(chosen) == len(order.lines)
    vouchers = [voucher.voucher_id for voucher in order.vouchers]
    fraud = "fraud" in (refund.reason, *(detail.reason for detail in earlier))
    back = done and refund.vouchers_back and not fraud
    return Taken(list(chosen), list(held.items()), lapsed, vouchers if back else [])


def _end(moment: datetime) -> datetime:
    """The next whole second: lots with the same end are one."""
    return moment.replace(microsecond=0) + timedelta(seconds=1)


def _sources(paid: Row, before: int, amount: int) -> list[tuple[str, int]]:
    """From which lots `amount` came, the last taken first, after `before` bells that have gone back already."""
    found: list[tuple[str, int]] = []
    for name, leg in reversed(lots.of_legs(paid.accounts, paid.amounts)):
        skipped = min(before, -leg)
        before -= skipped
        part = min(amount, -leg - skipped)
        amount -= part
        if part:
            found.append((name, part))
    assert amount == 0, "an order's refunds never exceed what was paid"
    return found


def _legs(taken: Taken) -> tuple[list[str | int], list[int]]:
    """The wallet's side, and the platform's: revenue by publisher and the discount go back, what lapses is breakage."""
    accounts: list[str | int] = [lots.account_of(name) for name, _ in taken.held]
    amounts = [amount for _, amount in taken.held]
    revenue: dict[str, int] = {}
    for line in taken.lines:
        revenue[line.publisher or ""] = revenue.get(line.publisher or "", 0) + line.price
    for publisher, amount in revenue.items():
        if amount:
            accounts.append(f"revenue:{publisher}")
            amounts.append(-amount)
    discount = sum([line.discount for line in taken.lines])
    for name, amount in (("discount", discount), ("breakage", taken.lapsed)):
        if amount:
            accounts.append(name)
            amounts.append(amount)
    return accounts, amounts


def _detail(refund: Refund, taken: Taken, *, told: bool) -> Detail:
    return Detail(
        refund_id=refund.refund_id,
        order_id=refund.order_id,
        by=refund.by,
        lines=[(line.product_id, line.payable) for line in taken.lines],
        reason=refund.reason,
        vouchers=taken.vouchers,
        asked=refund.product_ids,
        keep_discount=refund.keep_discount,
        note=refund.note,
        lots=taken.held if told else [],
    )


def _asked(detail: Detail) -> tuple[object, ...]:
    return (detail.order_id, detail.asked and set(detail.asked), detail.keep_discount, detail.reason, detail.note)


def _asked_now(refund: Refund) -> tuple[object, ...]:
    asked = refund.product_ids and set(refund.product_ids)
    return (refund.order_id, asked, refund.keep_discount, refund.reason, refund.note)
