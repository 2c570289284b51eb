"""Giving customers a voucher each."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from lingdang.clock import Clock
from lingdang.coupons.claiming import grant
from lingdang.db.pool import Pool, transaction
from lingdang.ids import CustId, Customer, bucket_of


class VoucherGrantRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Who is to hold a voucher of the coupon."""

    cust_ids: Annotated[tuple[CustId, ...], Meta(min_length=1, max_length=1000)]
    create_customer: bool = False
    """CustIds nobody has heard of become customers'; without it the whole request is refused for them."""


class GrantedVoucher(msgspec.Struct, frozen=True, rename="camel"):
    """What became of a grant for one customer: the voucher they hold, or why there is none."""

    cust_id: str
    voucher_id: str | None
    is_new: bool
    reason: str | None


class VoucherGrantAnswer(msgspec.Struct, frozen=True):
    """One item for each customer, in the request's order."""

    items: list[GrantedVoucher]


async def grant_each(
    pool: Pool, buckets: int, coupon_id: str, customers: Sequence[Customer], clock: Clock
) -> list[GrantedVoucher]:
    """Give each customer a voucher of the coupon, once. In a transaction each: none waits for another customer's lock
    while it holds the coupon's."""
    return [await _grant_one(pool, buckets, coupon_id, customer, clock) for customer in customers]


async def _grant_one(pool: Pool, buckets: int, coupon_id: str, customer: Customer, clock: Clock) -> GrantedVoucher:
    async with transaction(pool) as connection:
        reason, held = await grant(connection, bucket_of(customer.key, buckets), customer.key, coupon_id, clock())
    if held is None:
        return GrantedVoucher(customer.cust_id, None, False, reason)
    return GrantedVoucher(customer.cust_id, str(held.voucher_id), held.is_new, None)
