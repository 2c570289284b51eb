"""POST /v1/payments."""

from collections.abc import Callable

import msgspec

from lingdang.errors import Problem
from lingdang.http.entry import HotRequest, HotRoute, Reply
from lingdang.http.idempotency import REPLAYED
from lingdang.payment.payments import PaymentAnswer, PaymentRequest, Payments

PROBLEMS = (
    "invalid_request",
    "unauthenticated",
    "cust_mismatch",
    "sign_invalid",
    "timestamp_skew",
    "token_invalid",
    "token_expired",
    "order_mismatch",
    "already_owned",
    "product_unavailable",
    "voucher_unusable",
    "insufficient_bells",
    "rate_limited",
    "body_too_large",
    "overloaded",
    "outcome_unknown",
    "internal_error",
)


def routes(payments: Payments, count: Callable[[str], None]) -> list[HotRoute[PaymentRequest]]:
    """The payment route. `count` is told each payment's result: `paid`, `replay` or the problem's code."""
    encode = msgspec.json.Encoder().encode

    async def confirm(request: HotRequest[PaymentRequest]) -> Reply:
        try:
            answer, replayed = await payments.confirm(
                request.body, request.header(b"authorization"), request.header(b"x-cust-id")
            )
        except Problem as problem:
            count(problem.code)
            raise
        count("replay" if replayed else "paid")
        return Reply(encode(answer), headers=REPLAYED if replayed else ())

    return [
        HotRoute(
            "POST",
            "/v1/payments",
            PaymentRequest,
            PaymentAnswer,
            confirm,
            summary="Confirm the payment of an order",
            problems=PROBLEMS,
        )
    ]
