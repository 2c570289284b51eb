"""/v1/admin/coupons: vouchers as the operators define, grant, pause and withdraw them."""

from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody
from msgspec import Meta

from lingdang.clock import Clock
from lingdang.coupons.claiming import grant
from lingdang.coupons.definitions import (
    CouponFigures,
    CouponInput,
    CouponView,
    get_coupon,
    list_coupons,
    put_coupon,
)
from lingdang.db.pool import Pool, transaction
from lingdang.http.paging import Cursor, Limit, Page, window
from lingdang.http.strict import checked_id
from lingdang.identity.api_keys import ApiKeys
from lingdang.identity.customers import known_customers, make_known
from lingdang.ids import OWN_ID_PATTERN, CustId, Customer, bucket_of

_SCOPE: Final = "coupons:write"

CouponId = Annotated[str, Meta(pattern=OWN_ID_PATTERN, description="The platform's id of a coupon.")]


class GrantRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Who is to hold a voucher of the coupon."""

    cust_ids: Annotated[tuple[CustId, ...], Meta(min_length=1, max_length=1000)]
    create_customer: bool = False
    """CustIds nobody has heard of become customers'; without it the whole request is refused for them."""


class Granted(msgspec.Struct, frozen=True, rename="camel"):
    """What became of a grant for one customer: the voucher they hold, or why there is none."""

    cust_id: str
    voucher_id: str | None
    is_new: bool
    reason: str | None


class GrantAnswer(msgspec.Struct, frozen=True):
    """One item for each customer, in the request's order."""

    items: list[Granted]


def routes(api_keys: ApiKeys, pool: Pool, buckets: int, clock: Clock) -> list[HTTPRouteHandler]:
    """The operators' routes of vouchers; scope `coupons:write`."""

    @put(
        "/v1/admin/coupons/{coupon_id:str}",
        summary="Create a coupon, or replace all of it",
        tags=["operators"],
        responses={201: ResponseSpec(CouponFigures, description="The coupon is new")},
    )
    async def write(
        request: Request[Any, Any, Any], coupon_id: CouponId, data: JSONBody[CouponInput]
    ) -> Response[CouponFigures]:
        checked_id(coupon_id, "couponId")
        await api_keys.require(request.headers.get("authorization"), _SCOPE)
        async with transaction(pool) as connection:
            created = await put_coupon(connection, coupon_id, data, clock())
            view = await get_coupon(connection, coupon_id)
        return Response(view, status_code=201 if created else 200)

    @get("/v1/admin/coupons/{coupon_id:str}", summary="One coupon with its figures", tags=["operators"])
    async def show(request: Request[Any, Any, Any], coupon_id: CouponId) -> CouponFigures:
        checked_id(coupon_id, "couponId")
        await api_keys.require(request.headers.get("authorization"), _SCOPE)
        async with transaction(pool) as connection:
            return await get_coupon(connection, coupon_id)

    @get("/v1/admin/coupons", summary="Every coupon", tags=["operators"])
    async def everything(
        request: Request[Any, Any, Any], limit: Limit = None, cursor: Cursor = None
    ) -> Page[CouponView]:
        await api_keys.require(request.headers.get("authorization"), _SCOPE)
        return await list_coupons(pool, window(limit, cursor))

    @post(
        "/v1/admin/coupons/{coupon_id:str}/grants",
        status_code=200,
        summary="Give customers a voucher each, once",
        tags=["operators"],
    )
    async def grants(request: Request[Any, Any, Any], coupon_id: CouponId, data: JSONBody[GrantRequest]) -> GrantAnswer:
        checked_id(coupon_id, "couponId")
        await api_keys.require(request.headers.get("authorization"), _SCOPE)
        async with transaction(pool) as connection:
            await get_coupon(connection, coupon_id)
        customers = await (
            make_known(pool, data.cust_ids, clock()) if data.create_customer else known_customers(pool, data.cust_ids)
        )
        return GrantAnswer([await grant_one(coupon_id, customer) for customer in customers])

    async def grant_one(coupon_id: str, customer: Customer) -> Granted:
        # A transaction each: none waits for another customer's lock while it holds the coupon's.
        async with transaction(pool) as connection:
            reason, held = await grant(connection, bucket_of(customer.key, buckets), customer.key, coupon_id, clock())
        if held is None:
            return Granted(customer.cust_id, None, False, reason)
        return Granted(customer.cust_id, str(held.voucher_id), held.is_new, None)

    return [write, show, everything, grants]
