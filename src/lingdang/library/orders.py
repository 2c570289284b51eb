"""Orders as bought."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from lingdang.db.pool import Owner, Pool, fetch_all, fetch_as
from lingdang.errors import Problem
from lingdang.http.paging import Page, Window, to_cursor
from lingdang.library.reaching import read_reached, write_reached

_COLUMNS = "order_id, currency, subtotal, discount, total, balance, paid_at, lines, coupons"

STRETCH = 1000
"""Transfers of each journal that are looked through for orders at first: credits, too, stand between them."""

GROWTH = 4
LONGEST_STRETCH = 64_000
"""While none is found the stretch grows, up to this."""

# Each currency's journal is read down its own key from where a cursor says, for a stretch: its numbers have no gap.
_LIST = """
SELECT w.currency, greatest(w.below - w.stretch, 1), o.seq, o.order_id, o.currency, o.subtotal, o.discount, o.total,
       o.balance, o.paid_at, o.lines, o.coupons
  FROM (
       SELECT w.bucket, w.customer_id, w.currency, coalesce(c.seq, w.seq + 1) AS below,
              %b::bigint AS stretch
         FROM wallet w LEFT JOIN unnest(%b::text[], %b::bigint[]) AS c (currency, seq) ON c.currency = w.currency
        WHERE w.bucket = %b AND w.customer_id = %b
       ) w
  LEFT JOIN LATERAL (
       SELECT * FROM orders o
        WHERE o.bucket = w.bucket AND o.customer_id = w.customer_id AND o.currency = w.currency
          AND o.seq < w.below AND o.seq >= w.below - w.stretch
        ORDER BY o.seq DESC LIMIT %b
       ) o ON true
 ORDER BY o.paid_at DESC NULLS LAST, w.currency, o.seq DESC
"""

_ONE = f"SELECT {_COLUMNS} FROM orders WHERE bucket = %b AND customer_id = %b AND order_id = %b"  # noqa: S608


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


class OrderView(msgspec.Struct, frozen=True, rename="camel"):
    """A paid order: lines and vouchers as they were offered, sums in whole bells."""

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
    refunds: list[str]


async def list_orders(pool: Pool, owner: Owner, window: Window) -> Page[OrderView]:
    """The customer's orders, newest first. A page may be shorter than asked for; an empty one is the end."""
    return await _list(lambda parameters: fetch_as(pool, owner, _LIST, parameters), owner.bucket, owner.cust_id, window)


async def list_orders_of(pool: Pool, bucket: int, cust_id: str, window: Window) -> Page[OrderView]:
    """A customer's orders as the operators see them, otherwise like `list_orders`."""
    return await _list(lambda parameters: fetch_all(pool, _LIST, parameters), bucket, cust_id, window)


async def get_order(pool: Pool, owner: Owner, order_id: UUID) -> OrderView:
    """One of the customer's orders. Raises Problem `not_found`, for another customer's too."""
    rows = await fetch_as(pool, owner, _ONE, (owner.bucket, owner.cust_id, order_id))
    if not rows:
        raise Problem("not_found")
    return _view(rows[0])


Rows = list[tuple[Any, ...]]
Fetch = Callable[[Sequence[object]], Awaitable[Rows]]


async def _list(fetch: Fetch, bucket: int, cust_id: str, window: Window) -> Page[OrderView]:
    """Look through one stretch after the other until there is an order to show, or nothing below."""
    reached = read_reached(window.after)
    stretch = STRETCH
    while True:
        rows = await fetch((stretch, list(reached), list(reached.values()), bucket, cust_id, window.limit + 1))
        page = _page(rows, reached, window.limit)
        if page.items or page.next_cursor is None:
            return page
        stretch = min(stretch * GROWTH, LONGEST_STRETCH)


def _page(rows: Rows, reached: dict[str, int], limit: int) -> Page[OrderView]:
    """The page of these rows. Moves `reached` to where the next one begins."""
    found = [row for row in rows if row[2] is not None]
    shown = found[:limit]
    if len(found) > limit:
        reached.update((currency, seq) for currency, _, seq, *_ in shown)
        more = True
    else:
        # All orders of these stretches are shown; what is below is for the next page.
        reached.update((currency, lowest) for currency, lowest, *_ in rows)
        more = any(lowest > 1 for _, lowest, *_ in rows)
    return Page([_view(row[3:]) for row in shown], to_cursor(write_reached(reached)) if more else None)


def _view(row: tuple[Any, ...]) -> OrderView:
    order_id, currency, subtotal, discount, total, balance, paid_at, lines, vouchers = row
    return OrderView(
        order_id=order_id,
        status="paid",
        currency=currency,
        subtotal=subtotal,
        discount=discount,
        total=total,
        balance=balance,
        paid_at=paid_at,
        lines=[_line(*line) for line in lines],
        vouchers=[OrderVoucher(*voucher) for voucher in vouchers],
        refunds=[],
    )


def _line(
    product_id: str, title: str, publisher: str | None, list_price: int, price: int, discount: int, *_: int
) -> OrderLine:
    """A stored line. Those of before migration 0014 end with what is payable, which follows from the others."""
    return OrderLine(product_id, title, publisher, list_price, price, discount, price - discount)
