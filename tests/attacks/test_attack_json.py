"""JSON that parsers disagree on: what is executed is what was signed, or it is refused."""

import json
from typing import Any

import pytest

from support.buyer import Buyer, books, buyer, give, stock
from support.shop import Shop

ROUTES = (
    ("POST", "/v1/payments"),
    ("POST", "/v1/checkout"),
    ("PUT", "/v1/cart/items/book-1"),
    ("PATCH", "/v1/cart"),
    ("POST", "/v1/vouchers/claim"),
    ("POST", "/v1/sessions"),
)
BODIES: dict[str, bytes] = {
    "nothing but a brace": b"{",
    "trailing comma": b'{"productIds":["book-1"],}',
    "trailing data": b'{"productIds":["book-1"]}{}',
    "comment": b'{"productIds":["book-1"]/* */}',
    "single quotes": b"{'productIds':['book-1']}",
    "NaN": b'{"productIds":["book-1"],"timestamp":NaN}',
    "Infinity": b'{"productIds":["book-1"],"timestamp":Infinity}',
    "beyond a double": b'{"productIds":["book-1"],"timestamp":1e999}',
    "2^63": b'{"timestamp":9223372036854775808}',
    "2^64": b'{"timestamp":18446744073709551616}',
    "ten thousand digits": b'{"timestamp":' + b"9" * 10_000 + b"}",
    "leading zero": b'{"timestamp":0123}',
    "hexadecimal": b'{"timestamp":0x10}',
    "lone surrogate": b'{"productIds":["\\ud800"]}',
    "raw NUL": b'{"productIds":["a\0b"]}',
    "escaped NUL": b'{"productIds":["a\\u0000b"]}',
    "overlong UTF-8": b'{"productIds":["\xc0\xaf"]}',
    "broken UTF-8": b'{"productIds":["\xff\xfe"]}',
    "byte order mark": b'\xef\xbb\xbf{"productIds":["book-1"]}',
    "UTF-16": json.dumps({"productIds": ["book-1"]}).encode("utf-16"),
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "a list": b"[]",
    "null": b"null",
    "text": b'"productIds"',
    "own names": b'{"__proto__":{"admin":true},"constructor":1}',
    "form": b"productIds=book-1&ticked=true",
    "XML": b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>",
}


@pytest.fixture(scope="module")
async def asking(shared_shop: Shop) -> Buyer:
    stock(shared_shop, "book-1")
    return buyer(shared_shop)


@pytest.mark.parametrize("name", BODIES)
async def test_what_is_not_the_json_asked_for_is_refused(asking: Buyer, name: str) -> None:
    shop = asking.shop
    before = books(shop)
    for method, path in ROUTES:
        headers = asking.headers | {"Content-Type": "application/json"}
        answer = await shop.http.request(method, path, content=BODIES[name], headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request"), (path, answer.text)
    assert books(shop) == before


@pytest.fixture
async def ann(shop: Shop) -> Buyer:
    stock(shop, "book-1", "book-2")
    await give(shop, "ann", 500)
    return buyer(shop)


async def post(ann: Buyer, raw: str) -> Any:
    headers = ann.headers | {"Content-Type": "application/json"}
    return await ann.shop.http.post("/v1/payments", content=raw.encode(), headers=headers)


def twice(body: dict[str, Any], name: str, value: Any, *, first: bool) -> str:
    """The body with a second member `name`, before or behind the true one."""
    extra = f"{json.dumps(name)}:{json.dumps(value)}"
    whole = json.dumps(body)
    return "{" + extra + "," + whole[1:] if first else whole[:-1] + "," + extra + "}"


OTHERS: dict[str, Any] = {
    "productIds": ["book-2"],
    "timestamp": 1,
    "nonce": "another-nonce",
    "orderToken": "a.b.c.d.e",
    "signType": "MD5",
    "sign": "0" * 64,
}


@pytest.mark.parametrize("name", OTHERS)
async def test_of_a_member_that_comes_twice_only_what_was_signed_counts(ann: Buyer, name: str) -> None:
    """The last one counts, for the check and for the execution: they read the same decoded request."""
    body = ann.payment((await ann.checkout("book-1"))["orderToken"], ["book-1"])
    before = books(ann.shop)
    refused = await post(ann, twice(body, name, OTHERS[name], first=False))
    assert refused.status_code in (400, 401, 403, 409), refused.text
    assert books(ann.shop) == before
    paid = await post(ann, twice(body, name, OTHERS[name], first=True))
    assert paid.status_code == 200, paid.text
    assert [each["productId"] for each in paid.json()["entitlements"]] == ["book-1"]


async def test_escapes_name_the_same_text(ann: Buyer) -> None:
    """A signature is over values, not over their spelling."""
    body = ann.payment((await ann.checkout("book-1"))["orderToken"], ["book-1"])
    spelled = json.dumps(body).replace("book-1", "\\u0062ook\\u002d1")
    assert (await post(ann, spelled)).status_code == 200


@pytest.mark.parametrize("value", ['"1"', "true", "null", "[]", "{}", "1.0", "-1", "1e3"])
async def test_a_time_that_is_no_whole_number(ann: Buyer, value: str) -> None:
    body = ann.payment((await ann.checkout("book-1"))["orderToken"], ["book-1"])
    raw = json.dumps(body).replace(str(body["timestamp"]), value)
    answer = await post(ann, raw)
    assert answer.json()["code"] in ("invalid_request", "timestamp_skew"), answer.text
