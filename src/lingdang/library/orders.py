"""Orders as bought."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from lingdang.db.pool import Owner, Pool, fetch_all, fetch_as
from lingdang.errors import Problem, invalid
from lingdang.http.paging import Page, Window, page

_COLUMNS = "order_id, currency, subtotal, discount, total, balance, paid_at, lines, coupons"

_LIST = f"""
SELECT {_COLUMNS} FROM orders
 WHERE bucket = %b AND customer_id = %b AND order_id < %b::uuid
 ORDER BY order_id DESC LIMIT %b
"""  # noqa: S608 - the column list is a constant

_ONE = f"SELECT {_COLUMNS} FROM orders WHERE bucket = %b AND customer_id = %b AND order_id = %b"  # noqa: S608

_NEWEST = "ffffffff-ffff-ffff-ffff-ffffffffffff"


class OrderLine(msgspec.Struct, frozen=True, rename="camel"):
    """One product of an order, in whole bells: payable = price − discount."""

    product_id: str
    title: str
    publisher: str | None
    list_price: int
    price: int
    discount: int
    payable: int


class OrderCoupon(msgspec.Struct, frozen=True, rename="camel"):
    """One voucher of an order, by its own id, and what it saved."""

    coupon_id: str
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
    coupons: list[OrderCoupon]
    refunds: list[str]


async def list_orders(pool: Pool, owner: Owner, window: Window) -> Page[OrderView]:
    """The customer's orders, newest first."""
    parameters = (owner.bucket, owner.cust_id, _before(window), window.limit + 1)
    return _page(await fetch_as(pool, owner, _LIST, parameters), window)


async def list_orders_of(pool: Pool, bucket: int, cust_id: str, window: Window) -> Page[OrderView]:
    """A customer's orders as the operators see them, newest first."""
    return _page(await fetch_all(pool, _LIST, (bucket, cust_id, _before(window), window.limit + 1)), window)


async def get_order(pool: Pool, owner: Owner, order_id: UUID) -> OrderView:
    """One of the customer's orders. Raises Problem `not_found`, for another customer's too."""
    rows = await fetch_as(pool, owner, _ONE, (owner.bucket, owner.cust_id, order_id))
    if not rows:
        raise Problem("not_found")
    return _view(rows[0])


def _before(window: Window) -> UUID:
    try:
        return UUID(window.after or _NEWEST)
    except ValueError:
        raise invalid("$.cursor", "Not a cursor that this server gave") from None


def _page(rows: list[tuple[Any, ...]], window: Window) -> Page[OrderView]:
    views = [_view(row) for row in rows]
    return page(views, [str(view.order_id) for view in views], window.limit)


def _view(row: tuple[Any, ...]) -> OrderView:
    order_id, currency, subtotal, discount, total, balance, paid_at, lines, coupons = row
    return OrderView(
        order_id=order_id,
        status="paid",
        currency=currency,
        subtotal=subtotal,
        discount=discount,
        total=total,
        balance=balance,
        paid_at=paid_at,
        lines=[OrderLine(*line) for line in lines],
        coupons=[OrderCoupon(*coupon) for coupon in coupons],
        refunds=[],
    )
