"""POST /v1/checkout."""

import msgspec

from lingdang.checkout.checkouts import CheckoutAnswer, CheckoutRequest, Checkouts
from lingdang.clock import Clock
from lingdang.http.entry import HotRequest, HotRoute, Reply
from lingdang.http.idempotency import Idempotency

PROBLEMS = (
    "invalid_request",
    "unauthenticated",
    "cust_mismatch",
    "not_found",
    "already_owned",
    "product_unavailable",
    "voucher_unusable",
    "idempotency_mismatch",
    "rate_limited",
    "body_too_large",
    "overloaded",
    "internal_error",
)


def routes(checkouts: Checkouts, idempotency: Idempotency, clock: Clock) -> list[HotRoute[CheckoutRequest]]:
    """The checkout route."""
    encode = msgspec.json.Encoder().encode

    async def check_out(request: HotRequest[CheckoutRequest]) -> Reply:
        session = checkouts.authenticate(request.header(b"authorization"), request.header(b"x-cust-id"))

        async def produce() -> Reply:
            return Reply(encode(await checkouts.quote(request.body, session)))

        key = request.header(b"idempotency-key")
        if key is None:
            return await produce()
        return await idempotency.once_as(
            session.owner,
            "POST /v1/checkout",
            key,
            encode(request.body),
            clock(),
            produce,
            # An offer that has lapsed is of no use: a checkout with its key is then a new one.
            checkouts.validity,
        )

    return [
        HotRoute(
            "POST",
            "/v1/checkout",
            CheckoutRequest,
            CheckoutAnswer,
            check_out,
            summary="Price products together and get an order token",
            problems=PROBLEMS,
        )
    ]
