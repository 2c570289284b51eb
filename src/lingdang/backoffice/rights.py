"""/v1/admin/customers/{custId}/entitlements/{productId}: rights without a payment, for gifts and buyers of before."""

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from msgspec import Meta

from lingdang.clock import Clock
from lingdang.db.pool import Pool, fetch_all
from lingdang.errors import Problem
from lingdang.http.idempotency import replayed_headers
from lingdang.http.strict import checked_cust_id, checked_id
from lingdang.identity.api_keys import ApiKeys
from lingdang.identity.customers import customer_named, known_customer
from lingdang.ids import OWN_ID_PATTERN, REMARK_PATTERN, CustId, ProductId, bucket_of
from lingdang.ledger.granting import GRANT, Grant, Revoke
from lingdang.ledger.settlement import Settlement
from lingdang.library.entitlements import OPEN

_SCOPE: Final = "entitlements:write"

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


Asked = Request[Any, Any, Any]


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


def routes(api_keys: ApiKeys, pool: Pool, buckets: int, settlement: Settlement, clock: Clock) -> list[HTTPRouteHandler]:
    """Granting, revoking, and the platform's word that a product was opened; scope `entitlements:write`."""
    path = "/v1/admin/customers/{cust_id:str}/entitlements/{product_id:str}"

    @put(path, status_code=200, summary="Give a right without a payment; scope entitlements:write", tags=["operators"])
    async def give(
        request: Asked, cust_id: CustId, product_id: ProductId, data: JSONBody[GrantRequest]
    ) -> Response[GrantAnswer]:
        await api_keys.require(request.headers.get("authorization"), _SCOPE)
        checked_id(product_id, "productId")
        if not await fetch_all(pool, _PRODUCT, (product_id,)):
            raise Problem("not_found")
        customer = await customer_named(pool, checked_cust_id(cust_id), data.create_customer, clock())
        answer, replayed = await grant_right(settlement, customer.key, product_id, data)
        return Response(answer, headers=replayed_headers(replayed))

    @post(f"{path}/revocations", status_code=200, summary="End such a right", tags=["operators"])
    async def end(
        request: Asked, cust_id: CustId, product_id: ProductId, data: JSONBody[RevocationRequest]
    ) -> Response[RevocationAnswer]:
        await api_keys.require(request.headers.get("authorization"), _SCOPE)
        customer = (await known_customer(pool, checked_cust_id(cust_id))).key
        place = (bucket_of(customer, buckets), customer, checked_id(product_id, "productId"))
        answer, replayed = await revoke_right(pool, settlement, *place, data)
        return Response(answer, headers=replayed_headers(replayed))

    @post(f"{path}/opened", status_code=204, summary="Note that the product was opened", tags=["operators"])
    async def opened(request: Asked, cust_id: CustId, product_id: ProductId) -> None:
        await api_keys.require(request.headers.get("authorization"), _SCOPE)
        customer = (await known_customer(pool, checked_cust_id(cust_id))).key
        place = (bucket_of(customer, buckets), customer, checked_id(product_id, "productId"))
        if not await fetch_all(pool, OPEN, (clock(), *place)):
            raise Problem("not_found")

    return [give, end, opened]
