"""An example of each problem, for /openapi.json."""

from typing import Any

import msgspec

from lingdang.errors import Problem
from lingdang.http.problems import problem_body

_REQUEST_ID = "0192f0c1a2b37c4d8e9fa0b1c2d3e4f5"

_MEMBERS: dict[str, dict[str, Any]] = {
    "invalid_request": {"errors": [{"path": "$.productIds[0]", "message": "Expected `str`, got `int`"}]},
    "not_entitled": {"productId": "book-1"},
    "already_owned": {"productIds": ["book-1"]},
    "already_refunded": {"productIds": ["book-1"]},
    "product_unavailable": {"productIds": ["book-1"]},
    "refund_not_allowed": {"reasons": {"order": "too_late"}},
    "voucher_unusable": {
        "voucherIds": ["v-1"],
        "reasons": {"v-1": {"code": "expired", "en": "This voucher has expired.", "zh": "该礼券已过期。"}},
    },
    "insufficient_bells": {"required": 128, "balance": 100, "shortfall": 28},
    "timestamp_skew": {"serverTime": "2026-11-23T08:00:00.000Z"},
    "wallet_full": {"limit": "balance <= 1000000000000000"},
    "cart_full": {"limit": 500},
    "body_too_large": {"limit": 524288},
    "rate_limited": {"retryAfter": 1},
    "overloaded": {"retryAfter": 1},
    "identity_unavailable": {"retryAfter": 5},
}
"""Of a problem's example, by its code: the members that its sentence or the contract names."""


def problem_example(code: str, scope: str) -> Any:
    """The body of a problem with this code; `scope` is the one that its route asks for."""
    members = {"scope": scope} if code == "scope_missing" else _MEMBERS.get(code, {})
    return msgspec.json.decode(problem_body(Problem(code, **members), _REQUEST_ID, None))
