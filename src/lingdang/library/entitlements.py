"""Entitlements: who owns what, and by which order."""

from datetime import datetime
from uuid import UUID

import msgspec

from lingdang.db.pool import Owner, Pool, fetch_as
from lingdang.errors import Problem
from lingdang.http.paging import Page, Window, page

_LIST = """
SELECT e.product_id, e.order_id, o.paid_at FROM entitlement e JOIN orders o USING (order_id, bucket)
 WHERE e.bucket = %b AND e.customer_id = %b AND e.product_id > %b
 ORDER BY e.product_id LIMIT %b
"""

_ONE = """
SELECT e.product_id, e.order_id, o.paid_at FROM entitlement e JOIN orders o USING (order_id, bucket)
 WHERE e.bucket = %b AND e.customer_id = %b AND e.product_id = %b
"""


class Entitlement(msgspec.Struct, frozen=True, rename="camel"):
    """The right to one product."""

    product_id: str
    order_id: UUID
    granted_at: datetime


class EntitlementWithReceipt(msgspec.Struct, frozen=True, rename="camel"):
    """The right to one product, with the proof of it."""

    product_id: str
    order_id: UUID
    granted_at: datetime
    receipt: str


async def list_entitlements(pool: Pool, owner: Owner, window: Window) -> Page[Entitlement]:
    """What the customer owns, by productId."""
    parameters = (owner.bucket, owner.cust_id, window.after or "", window.limit + 1)
    rows = [Entitlement(*row) for row in await fetch_as(pool, owner, _LIST, parameters)]
    return page(rows, [row.product_id for row in rows], window.limit)


async def find_entitlement(pool: Pool, owner: Owner, product_id: str) -> Entitlement | None:
    """The customer's right to one product, or None."""
    rows = await fetch_as(pool, owner, _ONE, (owner.bucket, owner.cust_id, product_id))
    return Entitlement(*rows[0]) if rows else None


async def get_entitlement(pool: Pool, owner: Owner, product_id: str) -> Entitlement:
    """The customer's right to one product. Raises Problem `not_found`."""
    found = await find_entitlement(pool, owner, product_id)
    if found is None:
        raise Problem("not_found")
    return found
