"""Offers, sessions and answers as a server would make them, for tests without one."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec

from lingdang_client import Offer, PendingPayment, Session
from lingdang_client.effects import Response

NOW = 1_795_430_400.0
"""The local clock of these tests, in Unix seconds."""

TOKEN = "eyJhbGciOiJkaXIifQ..secret-order-token"
SESSION_TOKEN = "secret-session-token"
SIGN_KEY = "pU3KGCUwux1tEyze1iN7LtkeP3IfyxlxF0SU1kk8nVw"


def at(seconds: float) -> str:
    return (datetime.fromtimestamp(NOW, UTC) + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def session(session_id: str = "session-1") -> Session:
    return Session(
        cust_id="ann",
        session_id=session_id,
        session_token=SESSION_TOKEN,
        sign_type="HMAC-SHA256",
        expires_at=datetime.fromtimestamp(NOW + 3600, UTC),
        key=SIGN_KEY,
    )


def offer() -> Offer:
    line = {"productId": "book-1", "title": "A", "listPrice": 9, "price": 9, "discount": 0, "payable": 9, "new": 1}
    return msgspec.convert(
        {
            "orderId": str(uuid4()),
            "currency": "BELL",
            "lines": [line, {**line, "productId": "book-2"}],
            "subtotal": 18,
            "discount": 0,
            "total": 18,
            "vouchers": [],
            "wallet": {"balance": 20, "sufficient": True, "shortfall": 0},
            "orderToken": TOKEN,
            "issuedAt": at(0),
            "expiresAt": at(900),
            "sign": {"signType": "HMAC-SHA256", "fields": ["custId"]},
            "aFieldOfANewerServer": {"x": 1},
        },
        Offer,
    )


def pending(**changed: Any) -> PendingPayment:
    kept = PendingPayment(
        cust_id="ann",
        session_id="session-1",
        offer=offer(),
        nonce="kept-nonce",
        timestamp=int(NOW) - 10,
        sign_type="HMAC-SHA256",
        sign="KEPT-SIGN",
    )
    return msgspec.structs.replace(kept, **changed)


def answer(status: int, body: object, **headers: str) -> Response:
    return Response(
        status, {name.replace("_", "-"): value for name, value in headers.items()}, msgspec.json.encode(body)
    )


def paid(order_id: str, **headers: str) -> Response:
    granted = [{"productId": "book-1", "grantedAt": at(0)}, {"productId": "book-2", "grantedAt": at(0)}]
    body = {"orderId": order_id, "status": "paid", "currency": "BELL", "paid": 18, "balance": 2, "paidAt": at(0)}
    return answer(200, {**body, "entitlements": granted}, **headers)


def order(order_id: str) -> Response:
    line = {"productId": "book-1", "title": "A", "listPrice": 9, "price": 9, "discount": 0, "payable": 9}
    body = {"orderId": order_id, "status": "paid", "currency": "BELL", "subtotal": 9, "discount": 0, "total": 9}
    return answer(200, {**body, "balance": 11, "paidAt": at(0), "lines": [line], "vouchers": [], "refunds": []})


def problem(status: int, code: str, headers: dict[str, str] | None = None, **members: Any) -> Response:
    body = {"type": f"urn:{code}", "title": "T", "status": status, "detail": "D", "code": code, "requestId": "r-1"}
    return answer(status, {**body, **members}, **(headers or {}))
