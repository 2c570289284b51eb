"""The requests of each workload, as bytes."""

import time
from array import array
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import msgspec

from bench.load import Flow, between
from bench.shop import Buyer, Purchase
from bench.signing import sign
from bench.vouchers import OFF
from lingdang.checkout.offer import Offer
from lingdang.checkout.order_token import OrderTokens
from lingdang.clock import system_clock
from lingdang.ids import uuid7
from lingdang.ledger.commands import Line, UsedCoupon
from lingdang.payment.signing import string_to_sign

_encode = msgspec.json.Encoder().encode

_VALID = timedelta(minutes=15)


def request(start: bytes, buyer: Buyer, body: bytes) -> bytes:
    """One request; `start` is its method and path."""
    return b"%b HTTP/1.1\r\n%bContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        start,
        buyer.headers,
        len(body),
        body,
    )


def checkout(purchase: Purchase) -> bytes:
    """POST /v1/checkout."""
    return request(b"POST /v1/checkout", purchase.buyer, _encode({"productIds": _ids(purchase)}))


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
    message = string_to_sign(buyer.cust_id, nonce, order_token, product_ids, buyer.sign_type, now)
    body = {
        "productIds": product_ids,
        "timestamp": now,
        "nonce": nonce,
        "orderToken": order_token,
        "signType": buyer.sign_type,
        "sign": sign(message, buyer.sign_type, buyer.sign_key, buyer.private_key),
    }
    return request(b"POST /v1/payments", buyer, _encode(body))


def sealed_payment(purchase: Purchase, tokens: OrderTokens, voucher_id: UUID | None = None) -> bytes:
    """A payment of an order whose token is sealed here, as a checkout would: sparing the checkout."""
    now = system_clock()
    buyer, lines = purchase.buyer, purchase.books
    subtotal, discount = sum(line.price for line in lines), 0
    coupons: tuple[UsedCoupon, ...] = ()
    if voucher_id is not None:
        discount = OFF
        lines = (_reduced(lines[0]), *lines[1:])
        coupons = (UsedCoupon(str(voucher_id), OFF),)
    offer = Offer(
        order_id=uuid7(),
        cust_id=buyer.cust_id,
        session_id=buyer.session_id,
        currency="BELL",
        lines=lines,
        coupons=coupons,
        subtotal=subtotal,
        discount=discount,
        total=subtotal - discount,
        issued_at=now,
        expires_at=now + _VALID,
    )
    return payment(purchase, tokens.seal(offer))


def _reduced(line: Line) -> Line:
    return msgspec.structs.replace(line, discount=OFF, payable=line.price - OFF)


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
