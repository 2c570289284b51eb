"""The catalogue as its keeper sees it: every product, a change of one, and one taken out."""

from datetime import datetime
from typing import Any

from lingdang.catalog.patches import ProductChange, changed
from lingdang.catalog.products import PRODUCT_FIELDS, ProductView, Status, get_product, put_product, shown
from lingdang.db.pool import Connection, Pool, fetch_all
from lingdang.errors import Problem
from lingdang.paging import Page, Window, page

_ALL = f"SELECT {PRODUCT_FIELDS} FROM product p WHERE p.product_id > %b ORDER BY p.product_id LIMIT %b"  # noqa: S608
_OF_STATUS = f"""
SELECT {PRODUCT_FIELDS} FROM product p WHERE p.product_id > %b AND p.status = %b ORDER BY p.product_id LIMIT %b
"""  # noqa: S608 - constants of the package
_HOLD = "SELECT 1 FROM product WHERE product_id = %b FOR UPDATE"
_TAKE_OUT = "DELETE FROM product WHERE product_id = %b RETURNING 1"


async def list_all_products(pool: Pool, status: Status | None, window: Window, now: datetime) -> Page[ProductView]:
    """Every product, on sale or not, by productId; with a `status` those that have it."""
    after, limit = window.after or "", window.limit + 1
    filtered: list[Any] = [] if status is None else [status]
    rows = await fetch_all(pool, _OF_STATUS if filtered else _ALL, (after, *filtered, limit))
    products = [shown(row, now) for row in rows]
    return page(products, [product.product_id for product in products], window.limit)


async def change_product(connection: Connection, product_id: str, change: ProductChange, now: datetime) -> ProductView:
    """Change what `change` names, within the caller's transaction.

    Raises Problem `not_found`, or ValueError where that would be no product.
    """
    await connection.execute(_HOLD, (product_id,))
    product = await get_product(connection, product_id, now)
    return (await put_product(connection, product_id, changed(product, change), now)).product


async def take_out_product(connection: Connection, product_id: str) -> None:
    """Take a product out of the catalogue. Orders and rights that name it stay. Raises Problem `not_found`."""
    taken = await connection.execute(_TAKE_OUT, (product_id,))
    if await taken.fetchone() is None:
        raise Problem("not_found")
