"""The short way is taken: past the server's cycle and the framework, by the routes that are meant to."""

import re
from collections import Counter
from pathlib import Path

import httpx
import pytest

from lingdang.keys import Keyring
from support.buyer import Buyer, buyer, give, stock
from support.declared import declared
from support.served import eventually, serving
from support.shop import Shop, open_shop

SHORT = {
    ("GET", "/v1/products/{product_id}"),
    ("PUT", "/v1/cart/items/{product_id}"),
    ("POST", "/v1/checkout"),
    ("POST", "/v1/payments"),
    ("POST", "/v1/topups/notify/{provider}"),
}


def test_which_routes_are_meant_to() -> None:
    assert {key for key, route in declared().items() if route.short_way} == SHORT


async def _ready(shop: Shop) -> Buyer:
    stock(shop, "book-1")
    await give(shop, "ann", 500)
    return buyer(shop)


async def _buy(shop: Shop, ann: Buyer) -> None:
    """One request to each of them."""
    assert (await shop.http.post("/v1/topups/notify/nobody", content=b"{}")).status_code == 404
    assert (await ann.get("/v1/products/book-1")).status_code == 200
    assert (await shop.http.put("/v1/cart/items/book-1", headers=ann.headers)).status_code == 200
    offer = await ann.checkout("book-1")
    assert (await ann.send(ann.payment(offer["orderToken"], ["book-1"]))).status_code == 200


@pytest.mark.parametrize(("short_way", "way"), [(True, "direct"), (False, "short")])
async def test_each_takes_it(database_url: str, keyring: Keyring, short_way: bool, way: str) -> None:
    """As a worker serves, past uvicorn's cycle; and through it, as with the access log."""
    async with open_shop(database_url, keyring, short_way=short_way) as shop:
        ann = await _ready(shop)
        before = Counter(shop.entry.taken)
        await _buy(shop, ann)
        assert Counter(shop.entry.taken) - before == {way: len(SHORT)}


@pytest.mark.parametrize("short_way", [True, False])
async def test_an_empty_last_part_is_no_product(database_url: str, keyring: Keyring, short_way: bool) -> None:
    """As everywhere else: an address with nothing behind its last slash is none."""
    async with open_shop(database_url, keyring, short_way=short_way) as shop:
        ann = await _ready(shop)
        for method, path in (("GET", "/v1/products/"), ("PUT", "/v1/cart/items/"), ("GET", "/v1/orders/")):
            answer = await shop.http.request(method, path, headers=ann.headers)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
        assert (await ann.get("/v1/cart")).json()["items"] == []


async def test_what_is_out_of_the_ordinary_goes_through_the_cycle(database_url: str, keyring: Keyring) -> None:
    async with open_shop(database_url, keyring, short_way=True) as shop:
        ann = await _ready(shop)
        before = Counter(shop.entry.taken)
        assert (await ann.get("/v1/products/book%2D1")).status_code == 200
        assert (await ann.get("/v1/cart")).status_code == 200
        assert (await shop.http.delete("/v1/cart/items/book-1", headers=ann.headers)).status_code == 204
        assert Counter(shop.entry.taken) - before == {"short": 1, "framework": 2}


def _taken(client: httpx.Client) -> dict[str, float]:
    text = client.get("/metrics").text
    return {
        way: float(count)
        for way, count in re.findall(r'^lingdang_http_requests_by_way_total{way="(\w+)"} (\S+)$', text, re.M)
    }


def test_a_server_s_workers_take_it(tmp_path: Path) -> None:
    """In the real processes, as their own metrics tell."""
    with serving(tmp_path / "data", "--http", "--workers", "1") as served, served.client() as client:
        for method, path in SHORT:
            place = path.replace("{product_id}", "book-1").replace("{provider}", "nobody")
            answer = client.request(method, place, json={} if method == "POST" else None)
            assert answer.json()["code"] in ("invalid_request", "unauthenticated", "not_found")
        eventually(lambda: _taken(client)["direct"] == len(SHORT))
        assert _taken(client)["short"] == 0
