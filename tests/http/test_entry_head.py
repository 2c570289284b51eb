"""HEAD: whatever can be got answers it with the same headers and no body."""

import pytest

from support.buyer import buyer, stock
from support.shop import Shop

OPEN = ["/healthz", "/readyz", "/metrics", "/openapi.json", "/.well-known/jwks.json", "/", "/login", "/static/app.js"]
OWN = ["/v1/cart", "/v1/products", "/v1/products/book-1", "/v1/products/absent", "/v1/wallet", "/v1/orders", "/v1/none"]


@pytest.mark.parametrize("path", OPEN + OWN)
async def test_head_is_get_without_the_body(shop: Shop, path: str) -> None:
    stock(shop, "book-1")
    headers = {"X-Request-Id": "one"} | (buyer(shop).headers if path in OWN else {})
    got = await shop.http.get(path, headers=headers)
    head = await shop.http.head(path, headers=headers)
    assert head.status_code == got.status_code
    assert head.content == b""
    changing = {"date", "connection", "content-length"} if path == "/metrics" else {"date"}
    same = {name: value for name, value in got.headers.items() if name not in changing}
    assert {name: value for name, value in head.headers.items() if name not in changing} == same


@pytest.mark.parametrize("path", ["/v1/payments", "/v1/checkout"])
async def test_what_cannot_be_got_has_no_head(shop: Shop, path: str) -> None:
    answer = await shop.http.head(path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


async def test_a_405_names_head_beside_get(shop: Shop) -> None:
    for path in ("/v1/cart", "/v1/products/book-1"):
        answer = await shop.http.post(path)
        assert answer.status_code == 405
        assert {"GET", "HEAD"} <= set(answer.headers["allow"].split(", "))


METHODS = {
    "/healthz": {"GET", "HEAD", "OPTIONS"},
    "/": {"GET", "HEAD", "OPTIONS"},
    "/v1/wallet": {"GET", "HEAD", "OPTIONS"},
    "/v1/cart/items/book-1": {"DELETE", "OPTIONS", "PUT"},
    "/v1/sessions": {"OPTIONS", "POST"},
    "/v1/sessions/current": {"DELETE", "GET", "HEAD", "OPTIONS"},
}


@pytest.mark.parametrize("path", METHODS)
async def test_a_path_names_all_its_methods_whoever_serves_them(shop: Shop, path: str) -> None:
    answer = await shop.http.request("TRACE", path)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == METHODS[path]


async def test_options_names_what_is_served_beside_the_framework(shop: Shop) -> None:
    for path in ("/healthz", "/v1/cart/items/book-1"):
        answer = await shop.http.options(path)
        assert answer.status_code == 204
        assert set(answer.headers["allow"].split(", ")) == METHODS[path]
