"""Orders as bought."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from lingdang.db.pool import Pool
from lingdang.errors import Problem
from lingdang.owner import Owner, fetch_as
from lingdang.paging import Page, Window, read_seq, to_cursor

ORDER_FIELDS = (
    *("order_id", "currency", "subtotal", "discount", "total", "balance"),
    *("paid_at", "lines", "vouchers", "refunds", "returned"),
)
"""What `view_order` reads of the view of orders."""

STRETCH = 1000
"""Rows of the journal that are looked through for orders at first: credits, too, stand between them."""

GROWTH = 4
LONGEST_STRETCH = 64_000
"""While none is found the stretch grows, up to this."""

# The journal is read down its key from where a cursor says, for a stretch: its numbers have no gap. A cursor that says
# more than there is begins at the newest row.
_LIST = """
SELECT greatest(j.below - j.stretch, 1), o.seq, o.order_id, o.currency, o.subtotal, o.discount, o.total, o.balance,
       o.paid_at, o.lines, o.vouchers, o.refunds, o.returned
  FROM (
       SELECT least(%b::integer, (
                  SELECT coalesce(max(w.seq), 0) + 1 FROM wallet w WHERE w.bucket = %b AND w.customer = %b
                  )) AS below, %b::integer AS stretch
       ) j
  LEFT JOIN LATERAL (
       SELECT * FROM orders o
        WHERE o.bucket = %b AND o.customer = %b AND o.seq < j.below AND o.seq >= j.below - j.stretch
        ORDER BY o.seq DESC LIMIT %b
       ) o ON true
 ORDER BY o.seq DESC
"""

_ONE = f"SELECT {', '.join(ORDER_FIELDS)} FROM orders WHERE bucket = %b AND customer = %b AND order_id = %b"  # noqa: S608


class OrderLine(msgspec.Struct, frozen=True, rename="camel"):
    """One product of an order, in whole bells: payable = price − discount."""

    product_id: str
    title: str
    publisher: str | None
    list_price: int
    price: int
    discount: int
    payable: int


class OrderVoucher(msgspec.Struct, frozen=True, rename="camel"):
    """One voucher of an order, by its own id, and what it saved."""

    voucher_id: str
    saves: int


class RefundedLine(msgspec.Struct, frozen=True, rename="camel"):
    """A refunded product, and what came back for it."""

    product_id: str
    amount: int


class RefundView(msgspec.Struct, frozen=True, rename="camel"):
    """One refund of an order, asked for `by` an operator or the customer. Of `refunded`, `lapsed` lapsed at once.

    The reason is one of those that a request for a refund may give.
    """

    refund_id: str
    by: str
    refunded: int
    lapsed: int
    lines: list[RefundedLine]
    reason: str
    refunded_at: datetime


class OrderView(msgspec.Struct, frozen=True, rename="camel"):
    """A paid order: lines and vouchers as they were offered, sums in whole bells.

    `status`: `paid`, `partly_refunded` or `refunded`.
    """

    order_id: UUID
    status: str
    currency: str
    subtotal: int
    discount: int
    total: int
    balance: int
    paid_at: datetime
    lines: list[OrderLine]
    vouchers: list[OrderVoucher]
    refunds: list[RefundView]


async def list_orders(pool: Pool, owner: Owner, window: Window) -> Page[OrderView]:
    """The customer's orders, newest first. A page may be shorter than asked for; an empty one is the end.

    Stretch after stretch of the journal is looked through until there is an order to show, or nothing below.
    """
    place = (owner.bucket, owner.customer)
    below = read_seq(window.after)
    stretch = STRETCH
    while True:
        rows = await fetch_as(pool, owner, _LIST, (below, *place, stretch, *place, window.limit + 1))
        found = [row for row in rows if row[1] is not None]
        shown = found[: window.limit]
        # Where all orders of the stretch are shown, what is below it is for the next page.
        below = shown[-1][1] if len(found) > window.limit else rows[0][0]
        if shown or below <= 1:
            return Page([view_order(row[2:]) for row in shown], to_cursor(str(below)) if below > 1 else None)
        stretch = min(stretch * GROWTH, LONGEST_STRETCH)


async def get_order(pool: Pool, owner: Owner, order_id: UUID) -> OrderView:
    """One of the customer's orders. Raises Problem `not_found`, for another customer's too."""
    rows = await fetch_as(pool, owner, _ONE, (owner.bucket, owner.customer, order_id))
    if not rows:
        raise Problem("not_found")
    return view_order(rows[0])


def view_order(row: tuple[Any, ...]) -> OrderView:
    """An order from a row of ORDER_FIELDS."""
    order_id, currency, subtotal, discount, total, balance, paid_at, lines, vouchers, refunds, returned = row
    return OrderView(
        order_id=order_id,
        status=_status(lines, refunds),
        currency=currency,
        subtotal=subtotal,
        discount=discount,
        total=total,
        balance=balance,
        paid_at=paid_at,
        lines=[_line(*line) for line in lines],
        vouchers=[OrderVoucher(*voucher) for voucher in vouchers],
        refunds=[_refund(*refund, *back) for refund, back in zip(refunds, returned, strict=True)],
    )


def _status(lines: list[Any], refunds: list[Any]) -> str:
    gone = sum(len(refunded) for _, refunded, _, _ in refunds)
    return "paid" if not gone else "partly_refunded" if gone < len(lines) else "refunded"


def _refund(refund_id: str, lines: list[tuple[str, int]], reason: str, at: str, by: str, returned: int) -> RefundView:
    shown = [RefundedLine(product_id, amount) for product_id, amount in lines]
    refunded = sum([line.amount for line in shown])
    moment = datetime.fromisoformat(at)
    return RefundView(refund_id, by, refunded, refunded - returned, shown, reason, moment)


def _line(product_id: str, title: str, publisher: str | None, list_price: int, price: int, discount: int) -> OrderLine:
    return OrderLine(product_id, title, publisher, list_price, price, discount, price - discount)
