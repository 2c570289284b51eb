"""Entitlements: who owns what, and by which order or grant."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from lingdang.db.pool import Pool, fetch_all
from lingdang.errors import Problem
from lingdang.owner import Owner, fetch_as
from lingdang.paging import Page, Window, page

_COLUMNS = """
SELECT e.product_id, t.kind, t.cause, journal_reference(t.kind, t.cause, t.detail), t.at, e.opened_at IS NOT NULL,
       e.granted_by
  FROM entitlement e JOIN transfer t ON t.customer = e.customer AND t.seq = e.granted_by AND t.bucket = e.bucket
"""
_LIST = f"""
{_COLUMNS} WHERE e.bucket = %b AND e.customer = %b AND e.product_id > %b ORDER BY e.product_id LIMIT %b
"""
_ONE = f"{_COLUMNS} WHERE e.bucket = %b AND e.customer = %b AND e.product_id = %b"
_CHECK = """
SELECT r.product_id, r.kind, r.cause, r.reference, r.at
  FROM customer c
  LEFT JOIN LATERAL (
       SELECT e.product_id, t.kind, t.cause, journal_reference(t.kind, t.cause, t.detail) AS reference, t.at
         FROM entitlement e JOIN transfer t ON t.customer = e.customer AND t.seq = e.granted_by AND t.bucket = e.bucket
        WHERE e.customer = c.customer AND e.product_id = ANY (%b::text[]) AND e.bucket = c.customer %% %b::bigint
       ) r ON true
 WHERE c.customer_id = %b
"""
_OPEN = """
UPDATE entitlement e SET opened_at = coalesce(e.opened_at, %b)
 WHERE e.bucket = %b AND e.customer = %b AND e.product_id = %b
"""
OPEN = f"{_OPEN} RETURNING 1"
"""Notes that a product was opened: the moment, then whose right to what."""
_OPEN_THIS = f"{_OPEN} AND e.granted_by = %b RETURNING 1"


class Entitlement(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """The right to one product, by an order or by a grant."""

    product_id: str
    granted_at: datetime
    order_id: UUID | None = None
    grant_id: str | None = None


class EntitlementWithReceipt(Entitlement, frozen=True, rename="camel", kw_only=True):
    """The right to one product, with the proof of it."""

    receipt: str


class CheckedRight(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Whether a product is the customer's; where it is, since when and by which order or grant."""

    product_id: str
    entitled: bool
    granted_at: datetime | None = None
    order_id: UUID | None = None
    grant_id: str | None = None


class Right(msgspec.Struct, frozen=True):
    """A right with what is not told of it: number and cause of the row that granted it, and whether it was used."""

    told: Entitlement
    cause: UUID
    granted_by: int
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

    async def find(self, owner: Owner, product_id: str) -> Right | None:
        """The customer's right to a product, or None. Nothing is noted."""
        rows = await fetch_as(self.pool, owner, _ONE, (owner.bucket, owner.customer, product_id))
        return _right(rows[0]) if rows else None

    async def use(self, owner: Owner, product_id: str, now: datetime, cause: UUID | None = None) -> Right | None:
        """The same, and that it was used is noted; with a `cause` only the right that this cause gave.

        The note is committed when this returns: a refund comes before, and there is no right, or after.
        """
        right = await self.find(owner, product_id)
        if right is None or cause not in (None, right.cause):
            return None
        if not self.noted or right.opened:
            return right
        place = (owner.bucket, owner.customer, product_id, right.granted_by)
        return right if await fetch_as(self.pool, owner, _OPEN_THIS, (now, *place)) else None


async def list_entitlements(pool: Pool, owner: Owner, window: Window) -> Page[Entitlement]:
    """What the customer owns, by productId."""
    parameters = (owner.bucket, owner.customer, window.after or "", window.limit + 1)
    rights = [_right(row).told for row in await fetch_as(pool, owner, _LIST, parameters)]
    return page(rights, [right.product_id for right in rights], window.limit)


async def check_rights(pool: Pool, buckets: int, cust_id: str, product_ids: Sequence[str]) -> list[CheckedRight]:
    """Which of these products are the customer's, in their order, by one statement. Nothing is noted as opened.

    Raises Problem `not_found` for a custId nobody has heard of, or `overloaded`.
    """
    rows = await fetch_all(pool, _CHECK, (list(product_ids), buckets, cust_id))
    if not rows:
        raise Problem("not_found")
    owned = {row[0]: _entitlement(*row) for row in rows if row[0] is not None}
    return [
        CheckedRight(product_id, True, right.granted_at, right.order_id, right.grant_id)
        if (right := owned.get(product_id))
        else CheckedRight(product_id, False)
        for product_id in product_ids
    ]


def _right(row: tuple[Any, ...]) -> Right:
    product_id, kind, cause, reference, at, opened, granted_by = row
    return Right(_entitlement(product_id, kind, cause, reference, at), cause, granted_by, opened)


def _entitlement(product_id: str, kind: str, cause: UUID, reference: str, at: datetime) -> Entitlement:
    if kind == "grant":
        return Entitlement(product_id, at, grant_id=reference)
    return Entitlement(product_id, at, order_id=cause)
