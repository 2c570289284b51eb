"""The requests of each workload, as bytes."""

import time
from array import array
from collections.abc import Iterator, Sequence

import msgspec

from lingdang.ids import uuid7
from lingdang.payment.signing import string_to_sign
from proof.bench.buying import Buyer, Purchase
from proof.bench.load import Flow, between
from proof.bench.signing import sign

_encode = msgspec.json.Encoder().encode


def request(start: bytes, buyer: Buyer, body: bytes) -> bytes:
    """One request; `start` is its method and path."""
    return b"%b HTTP/1.1\r\n%bContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        start,
        buyer.headers,
        len(body),
        body,
    )


def checkout(purchase: Purchase, voucher_ids: Sequence[str] | None = None) -> bytes:
    """POST /v1/checkout; without `voucher_ids` the shop chooses."""
    chosen = {} if voucher_ids is None else {"voucherIds": voucher_ids}
    return request(b"POST /v1/checkout", purchase.buyer, _encode({"productIds": _ids(purchase), **chosen}))


def tick(purchase: Purchase) -> bytes:
    """PUT /v1/cart/items/{productId}."""
    return request(f"PUT /v1/cart/items/{purchase.books[0].product_id}".encode(), purchase.buyer, b'{"ticked":true}')


def price(purchase: Purchase) -> bytes:
    """GET /v1/products/{productId}."""
    return request(f"GET /v1/products/{purchase.books[0].product_id}".encode(), purchase.buyer, b"")


def payment(purchase: Purchase, order_token: str) -> bytes:
    """POST /v1/payments, signed now."""
    buyer, product_ids, now = purchase.buyer, _ids(purchase), int(time.time())
    nonce = uuid7().hex
    message = string_to_sign(buyer.customer.cust_id, nonce, order_token, product_ids, buyer.sign_type, now)
    body = {
        "productIds": product_ids,
        "timestamp": now,
        "nonce": nonce,
        "orderToken": order_token,
        "signType": buyer.sign_type,
        "sign": sign(message, buyer.sign_type, buyer.sign_key, buyer.private_key),
    }
    return request(b"POST /v1/payments", buyer, _encode(body))


def whole_orders(purchases: Iterator[Purchase], finished: "array[float]") -> Flow:
    """Tick, checkout, sign, pay: one purchase after the other. `finished` gets the seconds of each paid order."""
    for purchase in purchases:
        started = time.perf_counter()
        answer = yield tick(purchase)
        if answer.status != 200:
            continue
        answer = yield checkout(purchase)
        if answer.status != 200:
            continue
        answer = yield payment(purchase, between(answer.body, b'"orderToken":"', b'"').decode())
        if answer.status == 200:
            finished.append(time.perf_counter() - started)


def _ids(purchase: Purchase) -> list[str]:
    return [line.product_id for line in purchase.books]
