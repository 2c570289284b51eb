"""GET /v1/vouchers and POST /v1/vouchers/claim."""

from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody

from lingdang.clock import Clock
from lingdang.coupons.claiming import Code, claim
from lingdang.coupons.guessing import CodeLimits
from lingdang.coupons.held import HeldVoucher, get_held, list_held
from lingdang.db.pool import Pool
from lingdang.http.idempotency import Idempotency
from lingdang.http.paging import Cursor, Limit, Page, window
from lingdang.http.reply import Reply
from lingdang.identity.sessions import Sessions
from lingdang.owner import Owner, transaction_as


class ClaimRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The code of the voucher that the customer wants."""

    code: Code


def routes(
    sessions: Sessions, pool: Pool, codes: CodeLimits, idempotency: Idempotency, clock: Clock
) -> list[HTTPRouteHandler]:
    """The customers' vouchers."""
    encode = msgspec.json.Encoder().encode

    def who(request: Request[Any, Any, Any]) -> Owner:
        headers = request.headers
        return sessions.authenticate(headers.get("authorization"), headers.get("x-cust-id"), clock()).owner

    @get("/v1/vouchers", summary="The customer's vouchers, newest first", tags=["vouchers"])
    async def held(request: Request[Any, Any, Any], limit: Limit = None, cursor: Cursor = None) -> Page[HeldVoucher]:
        return await list_held(pool, who(request), window(limit, cursor), clock())

    @post(
        "/v1/vouchers/claim",
        summary="Claim a voucher with a code",
        tags=["vouchers"],
        responses={
            200: ResponseSpec(HeldVoucher, description="This one-time code gave the customer this voucher before"),
            201: ResponseSpec(HeldVoucher, description="The voucher is now the customer's"),
        },
    )
    async def claim_one(request: Request[Any, Any, Any], data: JSONBody[ClaimRequest]) -> Response[bytes]:
        owner, now = who(request), clock()

        key = request.headers.get("idempotency-key")
        async with (
            codes.attempt(owner.cust_id, data.code) as require_left,
            transaction_as(pool, owner) as connection,
        ):

            async def produce() -> Reply:
                require_left()
                claimed = await claim(connection, owner.bucket, owner.customer, data.code, now)
                view = await get_held(connection, owner, claimed.voucher_id, now)
                return Reply(encode(view), 201 if claimed.is_new else 200)

            reply = await idempotency.once_within(
                connection, owner, "POST /v1/vouchers/claim", key, encode(data), now, produce
            )
        headers = {name.decode(): value.decode() for name, value in reply.headers}
        return Response(reply.body, status_code=reply.status, media_type="application/json", headers=headers)

    return [held, claim_one]
