"""Entitlements: who owns what, and by which order or grant."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from lingdang.db.pool import Owner, Pool, fetch_as
from lingdang.errors import Problem
from lingdang.http.paging import Page, Window, page

_COLUMNS = """
SELECT e.product_id, t.kind, t.cause, journal_reference(t.kind, t.cause, t.detail), t.at, e.opened_at IS NOT NULL
  FROM entitlement e JOIN transfer t ON t.customer = e.customer AND t.seq = e.granted_by AND t.bucket = e.bucket
"""
_LIST = f"""
{_COLUMNS} WHERE e.bucket = %b AND e.customer = %b AND e.product_id > %b ORDER BY e.product_id LIMIT %b
"""
_ONE = f"{_COLUMNS} WHERE e.bucket = %b AND e.customer = %b AND e.product_id = %b"
_OPEN = """
UPDATE entitlement e SET opened_at = coalesce(e.opened_at, %b)
 WHERE e.bucket = %b AND e.customer = %b AND e.product_id = %b RETURNING 1
"""


class Entitlement(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """The right to one product, by an order or by a grant."""

    product_id: str
    granted_at: datetime
    order_id: UUID | None = None
    grant_id: str | None = None


class EntitlementWithReceipt(Entitlement, frozen=True, rename="camel", kw_only=True):
    """The right to one product, with the proof of it."""

    receipt: str


class Right(msgspec.Struct, frozen=True):
    """A right with what is not told of it: the cause of the row that granted it, and whether it was used."""

    told: Entitlement
    cause: UUID
    opened: bool

    @property
    def source(self) -> tuple[str, str]:
        """`Order` or `Grant`, and its id."""
        if self.told.grant_id is not None:
            return "Grant", self.told.grant_id
        return "Order", str(self.told.order_id)


class Openings(msgspec.Struct, frozen=True):
    """Notes that a right was used, where customers may give back what they have not opened."""

    pool: Pool
    noted: bool

    async def open(self, owner: Owner, right: Right, now: datetime) -> bool:
        """Whether the right is still there. The note is committed when this returns; a refund comes before or after."""
        if not self.noted or right.opened:
            return True
        place = (owner.bucket, owner.customer, right.told.product_id)
        return bool(await fetch_as(self.pool, owner, _OPEN, (now, *place)))


async def list_entitlements(pool: Pool, owner: Owner, window: Window) -> Page[Entitlement]:
    """What the customer owns, by productId."""
    parameters = (owner.bucket, owner.customer, window.after or "", window.limit + 1)
    rights = [_right(row).told for row in await fetch_as(pool, owner, _LIST, parameters)]
    return page(rights, [right.product_id for right in rights], window.limit)


async def find_right(pool: Pool, owner: Owner, product_id: str) -> Right | None:
    """The customer's right to one product, or None."""
    rows = await fetch_as(pool, owner, _ONE, (owner.bucket, owner.customer, product_id))
    return _right(rows[0]) if rows else None


async def used_right(pool: Pool, openings: Openings, owner: Owner, product_id: str, now: datetime) -> Right | None:
    """The right that is used now, or None."""
    right = await find_right(pool, owner, product_id)
    return right if right is not None and await openings.open(owner, right, now) else None


async def get_right(pool: Pool, openings: Openings, owner: Owner, product_id: str, now: datetime) -> Right:
    """The right of which a receipt is given out. Raises Problem `not_found`."""
    found = await used_right(pool, openings, owner, product_id, now)
    if found is None:
        raise Problem("not_found")
    return found


def _right(row: tuple[Any, ...]) -> Right:
    product_id, kind, cause, reference, at, opened = row
    if kind == "grant":
        return Right(Entitlement(product_id, at, grant_id=reference), cause, opened)
    return Right(Entitlement(product_id, at, order_id=cause), cause, opened)
