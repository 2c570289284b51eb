"""The refusals of an operation, each code with an example."""

from collections.abc import Iterable
from typing import Any

import msgspec

from lingdang.errors import KINDS, Problem
from lingdang.http.document.headers import answer_headers
from lingdang.http.document.schemas import REF, Json
from lingdang.http.problems import MEDIA_TYPE, problem_body
from lingdang.http.route import AnyRoute

COMMON = ("method_not_allowed", "request_timeout", "head_too_large")
"""What the server itself refuses, whatever the address: they are described once."""

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
    "wallet_in_debt": {"debt": 60},
    "insufficient_bells": {"required": 128, "balance": 100, "shortfall": 28},
    "timestamp_skew": {"serverTime": "2026-11-23T08:00:00.000Z"},
    "wallet_full": {"limit": "balance <= 1000000000000000"},
    "cart_full": {"limit": 500},
    "body_too_large": {"limit": 524288},
    "head_too_large": {"limit": 32768},
    "rate_limited": {"retryAfter": 1},
    "overloaded": {"retryAfter": 1},
    "identity_unavailable": {"retryAfter": 5},
    "gift_code_unusable": {
        "reasons": {"AB12": {"code": "unknown_code", "en": "There is no such code.", "zh": "没有这个兑换码。"}},
    },
    "topup_unavailable": {"reason": "channel"},
    "terms_changed": {
        "terms": {
            "currency": "BELL",
            "paid": 600,
            "bonus": 0,
            "price": {"amount": 700, "currency": "CNY"},
            "bonusExpiresAfterDays": None,
        }
    },
    "topup_limit": {"limit": 5000, "left": 400, "currency": "CNY"},
    "provider_unavailable": {"retryAfter": 5},
    "topup_undecided": {"reason": "not_in_review"},
    "feed_stopped": {"retryAfter": 30},
    "endpoints_full": {"limit": 50},
    "replays_full": {"limit": 20},
    "position_lost": {"resume": "NWY3Yzg5YTEgMCAw", "lastTrue": ["141733920768"]},
}
"""Of a problem's example, by its code: the members that its sentence or the contract names."""


def problem_example(code: str, scope: str = "") -> Any:
    """The body of a problem with this code; `scope` is the one that its route asks for."""
    members = {"scope": scope} if code == "scope_missing" else _MEMBERS.get(code, {})
    return msgspec.json.decode(problem_body(Problem(code, **members), _REQUEST_ID, None))


def refusals(route: AnyRoute) -> Json:
    """The problems by their status, each code with what it answers."""
    by_status: dict[int, list[str]] = {}
    for code in sorted(route.all_problems):
        by_status.setdefault(KINDS[code].status, []).append(code)
    own = {str(status): _refusal(status, codes, route.who.scope) for status, codes in by_status.items()}
    common = {str(KINDS[code].status): {"$ref": f"#/components/responses/{_name(code)}"} for code in COMMON}
    return dict(sorted({**own, **common}.items()))


def common_refusals() -> Json:
    """The responses to which every operation refers."""
    return {_name(code): _refusal(KINDS[code].status, [code], "") for code in COMMON}


def _name(code: str) -> str:
    return code.title().replace("_", "")


def _refusal(status: int, codes: Iterable[str], scope: str) -> Json:
    codes = list(codes)
    schema = {"allOf": [{"$ref": REF.format(name="Problem")}, {"properties": {"code": {"enum": codes}}}]}
    examples = {code: {"summary": KINDS[code].title, "value": problem_example(code, scope)} for code in codes}
    return {
        "description": "; ".join(f"`{code}`: {KINDS[code].title}" for code in codes),
        "headers": answer_headers(_HEADERS.get(status, ())),
        "content": {MEDIA_TYPE: {"schema": schema, "examples": examples}},
    }


_HEADERS: dict[int, tuple[str, ...]] = {
    401: ("WWW-Authenticate",),
    405: ("Allow",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}
