"""Rights without a payment, for gifts and buyers of before."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from lingdang.db.pool import Pool, fetch_all
from lingdang.errors import Problem
from lingdang.ids import OWN_ID_PATTERN, REMARK_PATTERN
from lingdang.ledger.granting import GRANT, Grant, Revoke
from lingdang.ledger.settlement import Settlement
from lingdang.library.entitlements import OPEN

_PRODUCT = "SELECT 1 FROM product WHERE product_id = %b"
_GRANTED = f"""
SELECT e.granted_by FROM entitlement e
  JOIN transfer t ON t.customer = e.customer AND t.seq = e.granted_by AND t.bucket = e.bucket
 WHERE e.bucket = %b AND e.customer = %b AND e.product_id = %b AND t.kind = '{GRANT}'
"""  # noqa: S608 - a constant

OwnId = Annotated[
    str,
    Meta(pattern=OWN_ID_PATTERN, description="Your own id, unique within the customer: it is done once."),
]
Why = Annotated[str, Meta(pattern=REMARK_PATTERN)]


class GrantRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A right without a payment."""

    grant_id: OwnId
    reason: Why
    create_customer: bool = False
    """A custId nobody has heard of becomes a customer's."""


class GrantAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """Whether the right was granted by this grant: false when the product was the customer's already."""

    granted: bool


class RevocationRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The end of a right that was granted without a payment."""

    revocation_id: OwnId
    reason: Why


class RevocationAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """When the right ended."""

    revoked_at: datetime


async def grant_right(
    settlement: Settlement, customer: int, product_id: str, request: GrantRequest
) -> tuple[GrantAnswer, bool]:
    """Give a right, or answer as it was answered when it was given (True: a replay).

    Raises Problem `idempotency_mismatch` or `overloaded`.
    """
    done = await settlement.submit(
        Grant(customer=customer, grant_id=request.grant_id, product_id=product_id, reason=request.reason)
    )
    return GrantAnswer(done.record is not None), done.replayed


async def revoke_right(
    pool: Pool, settlement: Settlement, bucket: int, customer: int, product_id: str, request: RevocationRequest
) -> tuple[RevocationAnswer, bool]:
    """End a right that was granted, or answer as it was answered when it ended (True: a replay).

    Raises Problem `not_found` where there is no such right, `idempotency_mismatch` or `overloaded`.
    """
    rows = await fetch_all(pool, _GRANTED, (bucket, customer, product_id))
    done = await settlement.submit(
        Revoke(
            customer=customer,
            revocation_id=request.revocation_id,
            product_id=product_id,
            reason=request.reason,
            granted_by=rows[0][0] if rows else None,
        )
    )
    return RevocationAnswer(done.record.at), done.replayed


async def require_product(pool: Pool, product_id: str) -> None:
    """Raises Problem `not_found` for a product that the shop does not know."""
    if not await fetch_all(pool, _PRODUCT, (product_id,)):
        raise Problem("not_found")


async def note_opened(pool: Pool, bucket: int, customer: int, product_id: str, at: datetime | None) -> None:
    """Note the platform's word that the product was opened; without a moment nothing is noted.

    Raises Problem `not_found` where there is no right.
    """
    if not await fetch_all(pool, OPEN, (at, bucket, customer, product_id)):
        raise Problem("not_found")
