"""The checks of a payment, in the contract's order: the first that fails is the one that is told."""

import hmac
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from lingdang.checkout.offer import Offer
from lingdang.clock import system_clock
from lingdang.errors import Problem
from lingdang.identity.session import Session
from lingdang.ids import uuid7
from lingdang.owner import Owner
from lingdang.payment.payments import MAX_SKEW_SECONDS, PaymentRequest, check_request
from lingdang.payment.signing import string_to_sign
from support.customers import key_of
from support.money import SESSION
from support.offers import offer

NOW = system_clock().replace(microsecond=0)
KEY = "k" * 43
ANN = Session(
    owner=Owner(0, key_of("ann"), "ann", SESSION),
    sign_type="HMAC-SHA256",
    sign_key=KEY,
    public_key=None,
    issued_at=NOW,
    expires_at=NOW + timedelta(hours=1),
)
OFFER = offer("ann", SESSION, "a", "b")


def signed(sign_type: str = "HMAC-SHA256", **fields: Any) -> PaymentRequest:

    asked = {
        "product_ids": ("a", "b"),
        "timestamp": int(NOW.timestamp()),
        "nonce": "n" * 8,
        "order_token": "t",
    } | fields
    text = string_to_sign(
        "ann", asked["nonce"], asked["order_token"], asked["product_ids"], sign_type, asked["timestamp"]
    )
    sign = hmac.digest(KEY.encode(), f"{text}&key={KEY}".encode(), "sha256").hex()
    return PaymentRequest(**asked, sign_type=sign_type, sign=sign)


def code_of(request: PaymentRequest, offered: Offer = OFFER, session: Session = ANN) -> str | None:
    try:
        check_request(request, offered, session, NOW)
    except Problem as problem:
        return problem.code
    return None


def test_what_is_right_is_let_through() -> None:
    assert code_of(signed()) is None


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (0, None),
        (MAX_SKEW_SECONDS, None),
        (-MAX_SKEW_SECONDS, None),
        (MAX_SKEW_SECONDS + 1, "timestamp_skew"),
        (-MAX_SKEW_SECONDS - 1, "timestamp_skew"),
    ],
)
def test_clocks_may_differ_so_much(seconds: int, code: str | None) -> None:
    assert code_of(signed(timestamp=int(NOW.timestamp()) + seconds)) == code


@pytest.mark.parametrize("product_ids", [("a",), ("b", "a"), ("a", "b", "c"), ("a", "a")])
def test_the_products_are_the_orders_in_their_order(product_ids: tuple[str, ...]) -> None:
    assert code_of(signed(product_ids=product_ids)) == "order_mismatch"


def test_another_signature_another_type_another_key() -> None:
    assert code_of(msgspec.structs.replace(signed(), sign="0" * 64)) == "sign_invalid"
    assert code_of(signed("MD5")) == "sign_invalid"
    assert code_of(signed(), session=msgspec.structs.replace(ANN, sign_key="j" * 43)) == "sign_invalid"


def test_the_first_that_fails_is_told() -> None:
    """From the end to the front: each further fault hides those behind it."""
    wrong = msgspec.structs.replace(signed(timestamp=0), sign="0")
    assert code_of(wrong) == "timestamp_skew"
    wrong = msgspec.structs.replace(wrong, product_ids=("z",))
    assert code_of(wrong) == "order_mismatch"
    assert code_of(wrong, msgspec.structs.replace(OFFER, session_id=uuid7())) == "cust_mismatch"
    assert code_of(wrong, msgspec.structs.replace(OFFER, customer=key_of("bob"))) == "cust_mismatch"
