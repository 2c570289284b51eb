"""The requests of customers and attackers, as bytes."""

import time
from collections.abc import Sequence
from typing import Any

import msgspec

from lingdang.ids import uuid7
from lingdang.payment.signing import string_to_sign
from proof.bench.signing import sign
from proof.faults.shop import Customer

_encode = msgspec.json.Encoder().encode


def get(path: str, customer: Customer | None = None) -> bytes:
    """A reading request, with a customer's session or without one."""
    return f"GET {path} HTTP/1.1\r\nHost: shop\r\n{_session(customer)}\r\n".encode()


def post(path: str, body: Any, customer: Customer | None = None, *headers: str) -> bytes:
    """A writing request."""
    raw = _encode(body)
    more = "".join(f"{line}\r\n" for line in headers)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: shop\r\n{_session(customer)}{more}"
        f"Content-Type: application/json\r\nContent-Length: {len(raw)}\r\n\r\n"
    )
    return head.encode() + raw


def checkout(customer: Customer, product_ids: Sequence[str], *headers: str) -> bytes:
    """POST /v1/checkout, the vouchers left to the shop."""
    return post("/v1/checkout", {"productIds": product_ids}, customer, *headers)


def payment(customer: Customer, product_ids: list[str], order_token: str) -> bytes:
    """POST /v1/payments, signed now."""
    now, nonce = int(time.time()), uuid7().hex
    message = string_to_sign(customer.cust_id, nonce, order_token, product_ids, "HMAC-SHA256", now)
    body = {
        "productIds": product_ids,
        "timestamp": now,
        "nonce": nonce,
        "orderToken": order_token,
        "signType": "HMAC-SHA256",
        "sign": sign(message, "HMAC-SHA256", customer.sign_key, None),
    }
    return post("/v1/payments", body, customer)


def sign_in(cust_id: str, password: str) -> bytes:
    """POST /v1/sessions with a password."""
    return post("/v1/sessions", {"custId": cust_id, "password": password, "signType": "HMAC-SHA256"})


def _session(customer: Customer | None) -> str:
    if customer is None:
        return ""
    return f"Authorization: Bearer {customer.token}\r\nX-Cust-Id: {customer.cust_id}\r\n"
