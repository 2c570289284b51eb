"""A customer's vouchers."""

import msgspec

from lingdang.coupons.claiming import Code, claim
from lingdang.coupons.guessing import CodeLimits
from lingdang.coupons.held import HeldVoucher, get_held, list_held
from lingdang.db.pool import Pool
from lingdang.http.idempotency import Idempotency
from lingdang.http.reply import Reply, encode, replied
from lingdang.http.route import AnyServed, Asked, Nothing, Route
from lingdang.identity.session import Session
from lingdang.owner import transaction_as
from lingdang.paging import Page
from lingdang.routes.callers import CUSTOMER
from lingdang.routes.examples import buying
from lingdang.routes.parameters import Pages


class ClaimRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The code of the voucher that the customer wants."""

    code: Code


HELD = Route(
    name="listVouchers",
    method="GET",
    path="/v1/vouchers",
    who=CUSTOMER,
    summary="The customer's vouchers, newest first",
    description="Used and expired ones too; `state` tells which can still be used.",
    tag="vouchers",
    params=Pages,
    answer=Page[HeldVoucher],
    example=Page([buying.VOUCHER], None),
)
CLAIM = Route(
    name="claimVoucher",
    method="POST",
    path="/v1/vouchers/claim",
    who=CUSTOMER,
    summary="Claim a voucher with a code",
    description="Takes a voucher of the coupon that has this code, if any are left.",
    tag="vouchers",
    body=ClaimRequest,
    body_example=ClaimRequest(code="AUTUMN28"),
    keyed=True,
    answer=HeldVoucher,
    example=buying.VOUCHER,
    statuses={
        201: "The voucher is now the customer's",
        200: "This one-time code gave the customer this voucher before",
    },
    problems=("voucher_unusable", "rate_limited"),
)


def routes(pool: Pool, codes: CodeLimits, idempotency: Idempotency) -> list[AnyServed]:
    """The vouchers' routes."""

    async def held(asked: Asked[Session, Pages]) -> Page[HeldVoucher]:
        return await list_held(pool, asked.who.owner, asked.params.window(), asked.now)

    async def claim_one(asked: Asked[Session, Nothing, ClaimRequest]) -> Reply:
        owner, code, now = asked.who.owner, asked.body.code, asked.now
        key, body = asked.header(b"idempotency-key"), encode(asked.body)
        async with (
            codes.attempt(owner.cust_id, code) as require_left,
            transaction_as(pool, owner) as connection,
        ):

            async def produce() -> Reply:
                require_left()
                claimed = await claim(connection, owner.bucket, owner.customer, code, now)
                view = await get_held(connection, owner, claimed.voucher_id, now)
                return replied(view, 201 if claimed.is_new else 200)

            return await idempotency.once_within(connection, owner, "POST /v1/vouchers/claim", key, body, now, produce)

    return [HELD.by(held), CLAIM.by(claim_one)]
