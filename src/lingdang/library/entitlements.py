"""Entitlements: who owns what, and by which order or grant."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from lingdang.db.pool import Pool
from lingdang.owner import Owner, fetch_as
from lingdang.paging import Page, Window, page

_COLUMNS = """
SELECT e.product_id, t.kind, t.cause, journal_reference(t.kind, t.cause, t.detail), t.at, e.opened_at IS NOT NULL
  FROM entitlement e JOIN transfer t ON t.customer = e.customer AND t.seq = e.granted_by AND t.bucket = e.bucket
"""
_LIST = f"""
{_COLUMNS} WHERE e.bucket = %b AND e.customer = %b AND e.product_id > %b ORDER BY e.product_id LIMIT %b
"""
_ONE = f"{_COLUMNS} WHERE e.bucket = %b AND e.customer = %b AND e.product_id = %b"
OPEN = """
UPDATE entitlement e SET opened_at = coalesce(e.opened_at, %b)
 WHERE e.bucket = %b AND e.customer = %b AND e.product_id = %b RETURNING 1
"""
"""Notes that a product was opened: the moment, then whose right to what."""


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


class Rights(msgspec.Struct, frozen=True):
    """Rights as they are used. `noted`: that one was used is noted, for customers may give back what they have not
    opened.
    """

    pool: Pool
    noted: bool

    async def use(self, owner: Owner, product_id: str, now: datetime) -> Right | None:
        """The customer's right to a product, or None. The note is committed when this returns: a refund comes before,
        and there is no right, or after."""
        place = (owner.bucket, owner.customer, product_id)
        rows = await fetch_as(self.pool, owner, _ONE, place)
        if not rows:
            return None
        right = _right(rows[0])
        if not self.noted or right.opened or await fetch_as(self.pool, owner, OPEN, (now, *place)):
            return right
        return None


async def list_entitlements(pool: Pool, owner: Owner, window: Window) -> Page[Entitlement]:
    """What the customer owns, by productId."""
    parameters = (owner.bucket, owner.customer, window.after or "", window.limit + 1)
    rights = [_right(row).told for row in await fetch_as(pool, owner, _LIST, parameters)]
    return page(rights, [right.product_id for right in rights], window.limit)


def _right(row: tuple[Any, ...]) -> Right:
    product_id, kind, cause, reference, at, opened = row
    if kind == "grant":
        return Right(Entitlement(product_id, at, grant_id=reference), cause, opened)
    return Right(Entitlement(product_id, at, order_id=cause), cause, opened)
