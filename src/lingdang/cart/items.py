"""A customer's cart as a whole: reading it, ticking all of it, taking a product out."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from psycopg.rows import TupleRow

from lingdang.db.pool import Owner, Pool, fetch_as, transaction_as

MAX_ITEMS = 500
"""Products in one cart; those the customer owns by now do not count."""


class Item(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A product in the cart at today's price. `owned`: bought already; `available`: on sale now."""

    product_id: str
    title: str
    currency: str
    list_price: int
    price: int
    ticked: bool
    owned: bool
    available: bool


class Selected(msgspec.Struct, frozen=True):
    """What a checkout of the cart is for: the products ticked, on sale and not yet owned, before any voucher.

    An order has one currency: `total` is in that of the selected product which is in the cart the longest,
    and products of other currencies are left out.
    """

    count: int
    total: int


class Cart(msgspec.Struct, frozen=True):
    """All items, the longest in the cart first, and what is selected of them."""

    items: list[Item]
    selected: Selected


_READ = """
    SELECT v.product_id, v.title, v.currency, v.list_price, v.price, v.ticked, v.owned, v.available, s.count, s.total
      FROM cart_view(%b, %b, %b) v
      LEFT JOIN cart_selected(%b, %b, %b) s ON true
     ORDER BY v.added_at, v.product_id
"""
_TICK_ALL = "UPDATE cart_item SET ticked = %b WHERE bucket = %b AND customer = %b AND ticked <> %b"
_REMOVE = "DELETE FROM cart_item WHERE bucket = %b AND customer = %b AND product_id = %b"
_LOCK = "SELECT cart_lock(%b)"
_NO_FLUSH = "SET LOCAL synchronous_commit = off"


async def read_cart(pool: Pool, owner: Owner, now: datetime) -> Cart:
    """The cart. Raises as `fetch_as`."""
    return _cart(await fetch_as(pool, owner, _READ, _reading(owner, now)))


async def tick_all(pool: Pool, owner: Owner, ticked: bool, now: datetime) -> Cart:
    """Tick or untick every item. Answers the cart as it is then."""
    async with transaction_as(pool, owner) as connection:
        await connection.execute(_NO_FLUSH)
        await connection.execute(_LOCK, (owner.customer,))
        await connection.execute(_TICK_ALL, (ticked, owner.bucket, owner.customer, ticked))
        cursor = await connection.execute(_READ, _reading(owner, now), binary=True)
        return _cart(await cursor.fetchall())


async def remove(pool: Pool, owner: Owner, product_id: str) -> None:
    """Take a product out of the cart, if it is there."""
    async with transaction_as(pool, owner) as connection:
        await connection.execute(_NO_FLUSH)
        await connection.execute(_LOCK, (owner.customer,))
        await connection.execute(_REMOVE, (owner.bucket, owner.customer, product_id))


def _reading(owner: Owner, now: datetime) -> tuple[object, ...]:
    return (owner.bucket, owner.customer, now) * 2


def _cart(rows: Sequence[TupleRow]) -> Cart:
    items = [
        Item(
            product_id=row[0],
            title=row[1],
            currency=row[2],
            list_price=row[3],
            price=row[4],
            ticked=row[5],
            owned=row[6],
            available=row[7],
        )
        for row in rows
    ]
    count, total = (rows[0][8] or 0, rows[0][9] or 0) if rows else (0, 0)
    return Cart(items, Selected(count, total))
