"""Signatures: refused elsewhere though they were honest, and let through though there was none."""

import json
import re
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from lingdang.clock import system_clock
from lingdang.keys import Keyring, create_keyring
from lingdang.settings import SIGN_TYPES
from support.buyer import Buyer, books, buyer, give, stock
from support.shop import Shop, open_shop


@pytest.fixture
async def stocked(shop: Shop) -> Shop:
    stock(shop, *BOOKS, *(f"{product_id}-b" for product_id in BOOKS))
    stock(shop, "cheap", price=1)
    await give(shop, "ann", 1000)
    return shop


BOOKS = ("book-1", "book-2", "book-3")


async def send_raw(one: Buyer, content: bytes) -> httpx.Response:
    return await one.shop.http.post("/v1/payments", content=content, headers=one.headers)


def _escaped(body: dict[str, Any]) -> str:
    """Every letter and digit within quotes as its escape, in names as in values."""
    return re.sub(
        r'"[^"]*"', lambda quoted: re.sub(r"\w", lambda c: f"\\u{ord(c[0]):04x}", quoted[0]), json.dumps(body)
    )


REWRITTEN: dict[str, Callable[[dict[str, Any]], str]] = {
    "compact": lambda body: json.dumps(body, separators=(",", ":")),
    "indented": lambda body: json.dumps(body, indent=4) + "\r\n",
    "sorted": lambda body: json.dumps(body, sort_keys=True),
    "reversed": lambda body: json.dumps(dict(reversed(body.items()))),
    "escaped": _escaped,
}


async def test_pain_23_a_body_written_anew_on_its_way_still_verifies(stocked: Shop) -> None:
    """stripe/stripe-node #356: a signature over the body's bytes failed as soon as a framework had parsed the body and
    written it again. Here the signature is over the fields' values: whatever a proxy makes of the JSON, it holds."""
    for sign_type, product_id in zip(SIGN_TYPES, BOOKS, strict=True):
        ann = buyer(stocked, sign_type=sign_type)
        order = await ann.checkout(product_id, f"{product_id}-b")
        body = ann.payment(order["orderToken"], [product_id, f"{product_id}-b"])
        for name, rewrite in REWRITTEN.items():
            assert (await send_raw(ann, rewrite(body).encode())).status_code == 200, (sign_type, name)


async def test_pain_23_a_slow_way_and_a_wrong_clock_end_in_a_payment(stocked: Shop) -> None:
    """stripe/stripe-node #1778: delays of over five minutes and skewed clocks made signatures fail, and nothing told
    what was wrong. Here nearly five minutes either way pass; beyond it the refusal tells the server's time, with which
    the same offer is signed again and paid."""
    ann = buyer(stocked)
    for product_id, late in (("book-1", -290), ("book-2", 290)):
        order = await ann.checkout(product_id)
        body = ann.payment(order["orderToken"], [product_id], timestamp=int(time.time()) + late)
        assert (await ann.send(body)).status_code == 200
    order = await ann.checkout("cheap")
    for off in (-86400, -310, 310, 86400):
        refused = await ann.send(ann.payment(order["orderToken"], ["cheap"], timestamp=int(time.time()) + off))
        assert (refused.status_code, refused.json()["code"]) == (403, "timestamp_skew")
    corrected = int(datetime.fromisoformat(refused.json()["serverTime"]).timestamp())
    assert (await ann.send(ann.payment(order["orderToken"], ["cheap"], timestamp=corrected))).json()["paid"] == 1


NOTHING: list[Any] = ["", " ", None, False, 0, [], "null"]


async def test_pain_24_without_a_signature_nothing_is_paid(stocked: Shop) -> None:
    """binarywang/WxJava #1890: the check was skipped when `sign` was empty. Here nothing that stands for "none" goes
    through, under any sign type, also when the sign type itself is left empty or the whole field is missing."""
    for sign_type, product_id in zip(SIGN_TYPES, BOOKS, strict=True):
        ann = buyer(stocked, sign_type=sign_type)
        body = ann.payment((await ann.checkout(product_id))["orderToken"], [product_id])
        before = books(stocked)
        unsigned = [body | {"sign": nothing} for nothing in NOTHING]
        unsigned += [{name: body[name] for name in body if name != "sign"}, body | {"sign": "", "signType": ""}]
        for each in unsigned:
            assert (await ann.send(each)).json()["code"] in ("sign_invalid", "invalid_request"), each
        assert books(stocked) == before
        assert (await ann.send(body)).status_code == 200


async def test_pain_24_amount_order_and_seller_are_part_of_what_was_signed(stocked: Shop, tmp_path: Path) -> None:
    """yansongda/pay #123: the signature was right, but amount, order and seller were not compared. Here all three are
    in the token: a cheap order pays for no dear book, one order's signature is none for another, an offer of another
    shop to the same customer is not this shop's, and an amount beside the token is refused."""
    ann = buyer(stocked)
    cheap, dear = await ann.checkout("cheap"), await ann.checkout("book-1")
    signed = ann.payment(dear["orderToken"], ["book-1"])
    create_keyring(tmp_path / "other.json", system_clock())
    async with open_shop(stocked.database_url, Keyring(tmp_path / "other.json")) as other_shop:
        elsewhere = (await buyer(other_shop).checkout("book-1"))["orderToken"]
    before = books(stocked)
    for body, code in (
        (ann.payment(cheap["orderToken"], ["book-1"]), "order_mismatch"),
        (signed | {"orderToken": (await ann.checkout("book-1"))["orderToken"]}, "sign_invalid"),
        (ann.payment(elsewhere, ["book-1"]), "token_invalid"),
        (signed | {"amount": 1}, "invalid_request"),
    ):
        assert (await ann.send(body)).json()["code"] == code
    assert books(stocked) == before
    assert (await ann.send(signed)).json()["paid"] == 100
