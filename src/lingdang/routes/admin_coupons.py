"""Coupons, as the operators define, grant, pause and withdraw them."""

from typing import Annotated

import msgspec
from msgspec import Meta

from lingdang.backoffice.coupons import GrantedVoucher, VoucherGrantAnswer, VoucherGrantRequest, grant_each
from lingdang.clock import Clock
from lingdang.coupons.definitions import (
    CouponFigures,
    CouponInput,
    CouponView,
    get_coupon,
    list_coupons,
    put_coupon,
)
from lingdang.db.pool import Pool, transaction
from lingdang.http.reply import Reply, replied
from lingdang.http.route import AnyServed, Asked, Route
from lingdang.identity.api_keys import ApiKey
from lingdang.identity.customers import known_customers, make_known
from lingdang.ids import ID_PATTERN
from lingdang.paging import Page
from lingdang.routes.callers import operator
from lingdang.routes.examples import buying, coupons
from lingdang.routes.parameters import Pages


class OfCoupon(msgspec.Struct, frozen=True, rename="camel"):
    """Which coupon."""

    coupon_id: Annotated[str, Meta(pattern=ID_PATTERN, description="The platform's id of a coupon.")]


WRITE = Route(
    name="putCoupon",
    method="PUT",
    path="/v1/admin/coupons/{coupon_id}",
    who=operator("coupons:write"),
    summary="Create a coupon, or replace all of it",
    description="What vouchers in hand promise is fixed from the first claim on; the name, the supply, the validity of "
    "later claims and the status may change.",
    tag="operators",
    params=OfCoupon,
    body=CouponInput,
    body_example=coupons.INPUT,
    answer=CouponFigures,
    example=coupons.FIGURES,
    statuses={200: "The coupon as it is now", 201: "The coupon is new"},
)
SHOW = Route(
    name="getCoupon",
    method="GET",
    path="/v1/admin/coupons/{coupon_id}",
    who=operator("coupons:write"),
    summary="One coupon with its figures",
    description="Its definition, and how many of its vouchers were claimed and used.",
    tag="operators",
    params=OfCoupon,
    answer=CouponFigures,
    example=coupons.FIGURES,
    problems=("not_found",),
)
EVERYTHING = Route(
    name="listCoupons",
    method="GET",
    path="/v1/admin/coupons",
    who=operator("coupons:write"),
    summary="Every coupon",
    description="By their ids, withdrawn ones too.",
    tag="operators",
    params=Pages,
    answer=Page[CouponView],
    example=Page([coupons.COUPON], None),
)
GRANT = Route(
    name="grantVouchers",
    method="POST",
    path="/v1/admin/coupons/{coupon_id}/grants",
    who=operator("coupons:write"),
    summary="Give customers a voucher each, once",
    description="Who holds one already keeps it. Each customer has an item of the answer.",
    tag="operators",
    params=OfCoupon,
    body=VoucherGrantRequest,
    body_example=VoucherGrantRequest(cust_ids=("ann",)),
    answer=VoucherGrantAnswer,
    example=VoucherGrantAnswer([GrantedVoucher("ann", buying.VOUCHER_ID, True, None)]),
    problems=("not_found",),
)


def routes(pool: Pool, buckets: int, clock: Clock) -> list[AnyServed]:
    """The operators' routes of coupons."""

    async def write(asked: Asked[ApiKey, OfCoupon, CouponInput]) -> Reply:
        coupon_id = asked.params.coupon_id
        async with transaction(pool) as connection:
            created = await put_coupon(connection, coupon_id, asked.body, asked.now)
            view = await get_coupon(connection, coupon_id)
        return replied(view, 201 if created else 200)

    async def show(asked: Asked[ApiKey, OfCoupon]) -> CouponFigures:
        async with transaction(pool) as connection:
            return await get_coupon(connection, asked.params.coupon_id)

    async def everything(asked: Asked[ApiKey, Pages]) -> Page[CouponView]:
        return await list_coupons(pool, asked.params.window())

    async def grants(asked: Asked[ApiKey, OfCoupon, VoucherGrantRequest]) -> VoucherGrantAnswer:
        coupon_id, body = asked.params.coupon_id, asked.body
        async with transaction(pool) as connection:
            await get_coupon(connection, coupon_id)
        customers = await (
            make_known(pool, body.cust_ids, asked.now) if body.create_customer else known_customers(pool, body.cust_ids)
        )
        return VoucherGrantAnswer(await grant_each(pool, buckets, coupon_id, customers, clock))

    return [WRITE.by(write), SHOW.by(show), EVERYTHING.by(everything), GRANT.by(grants)]
