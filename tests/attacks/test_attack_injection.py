"""Text that SQL, a format or a log would read as its own, in every parameter, header and string of a body."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from support.buyer import buyer, give, stock
from support.described import placed, routes_of
from support.people import api_key
from support.shop import Shop

HOSTILE = (
    "'; DROP TABLE transfer; --",
    "' OR '1'='1",
    "\\'; SELECT pg_sleep(9); --",
    "$$; DELETE FROM wallet; $$",
    "%s %(x)s {0} {self} ${jndi:ldap://x}",
    'a\r\n{"event":"forged"}\x1b[2J',
    "a\x00b",
    "a\u2028b\u202e",
    "a\udc80b",
    "{book-1,book-2}",
    "<script>alert(1)</script>",
)
MONEY = ("wallet", "transfer", "entitlement", "credit", "voucher", "product", "coupon", "cart_item")
BODIES: dict[str, dict[str, Any]] = {
    "/v1/checkout": {"productIds": ["book-1"], "voucherIds": ["c"], "voucherCodes": ["c"]},
    "/v1/payments": {
        "productIds": ["book-1"],
        "timestamp": 1,
        "nonce": "n",
        "orderToken": "t",
        "signType": "MD5",
        "sign": "s",
    },
    "/v1/vouchers/claim": {"code": "c"},
    "/v1/sessions": {"custId": "c", "password": "p", "signType": "MD5"},
    "/v1/admin/customers": {"custId": "c", "password": "a good password"},
    "/v1/admin/credits": {"custId": "c", "creditId": "i", "amount": 1, "kind": "paid", "reason": "r"},
}

NEW_ID = re.compile(r"[0-9a-f]{32}")
FREE = ("/v1/admin/customers", "/v1/admin/credits")


def url_part(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")


def header(text: str) -> str:
    """As much of it as a client can put into a header."""
    return "".join(c for c in text if c.isprintable() and c.isascii())


def spoiled(value: Any, text: str) -> Iterator[Any]:
    """The body with one of its strings replaced, each in turn."""
    if isinstance(value, str):
        yield text
    elif isinstance(value, list):
        for at, member in enumerate(value):
            yield from ([*value[:at], other, *value[at + 1 :]] for other in spoiled(member, text))
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from ({**value, name: other} for other in spoiled(member, text))


def held(shop: Shop) -> list[Any]:
    return [shop.sql(f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in MONEY]


@pytest.fixture
async def keys(shop: Shop) -> dict[str, dict[str, str]]:
    """Who may ask for what, and something to be harmed."""
    stock(shop, "book-1")
    await give(shop, "ann", 500)
    ann = buyer(shop)
    assert (await ann.buy("book-1")).status_code == 200
    return {"/v1/admin/": await api_key(shop), "/": ann.headers}


def key_for(keys: dict[str, dict[str, str]], path: str) -> dict[str, str]:
    return next(headers for prefix, headers in keys.items() if path.startswith(prefix))


async def test_in_paths_and_queries(shop: Shop, keys: dict[str, dict[str, str]]) -> None:
    before, asked = held(shop), 0
    for method, path, described in await routes_of(shop):
        if method != "get" or not path.startswith("/v1/"):
            continue
        queries = [p["name"] for p in described.get("parameters", ()) if p["in"] == "query"]
        for text in HOSTILE:
            targets = [placed(path, "0") + f"?{name}={url_part(text)}" for name in queries]
            if "{" in path:
                targets.append(path[: path.index("{")] + url_part(text))
            for target in targets:
                answer = await shop.http.get(target, headers=key_for(keys, path))
                asked += 1
                assert answer.status_code < 500, (target, answer.text)
                assert "syntax" not in answer.text
    assert asked > 200
    assert held(shop) == before


@pytest.mark.parametrize("path", BODIES)
async def test_in_bodies(shop: Shop, keys: dict[str, dict[str, str]], path: str) -> None:
    before = held(shop)
    headers = key_for(keys, path) | {"Content-Type": "application/json"}
    for text in HOSTILE:
        for body in spoiled(BODIES[path], text):
            answer = await shop.http.post(path, content=json.dumps(body), headers=headers)
            assert answer.status_code < 500, (body, answer.text)
            # No id and no code has such characters; a password and a reason may.
            assert answer.status_code >= 400 or path in FREE, (body, answer.text)
    if path not in FREE:
        assert held(shop) == before
    assert shop.sql("SELECT count(*) FROM transfer WHERE kind = 'payment'") == [(1,)]


async def test_in_headers(shop: Shop, keys: dict[str, dict[str, str]]) -> None:
    before = held(shop)
    names = ("X-Cust-Id", "Authorization", "Idempotency-Key", "X-Request-Id", "Accept-Language", "X-Forwarded-For")
    for text in filter(None, map(header, HOSTILE)):
        for name in names:
            for path, body in (("/v1/checkout", {"productIds": ["book-1"]}), ("/v1/vouchers/claim", {"code": "c"})):
                answer = await shop.http.post(path, json=body, headers={**keys["/"], name: text})
                assert answer.status_code < 500, (name, text, answer.text)
                said = answer.headers["x-request-id"]
                assert said == text or NEW_ID.fullmatch(said)
    assert held(shop) == before
