"""The catalogue without a session, where a setting opens it; and what a flood of strangers leaves to customers."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from lingdang.keys import Keyring
from support.buyer import Buyer, buyer, give, stock
from support.shop import PATIENCE, Shop, open_shop
from support.tabs import until

PATHS = ("/v1/products", "/v1/products/book-1")
AT_ONCE = 100


@pytest.fixture(params=[True, False], ids=["short way", "through the cycle"])
async def public(database_url: str, keyring: Keyring, request: pytest.FixtureRequest) -> AsyncIterator[Shop]:
    async with open_shop(database_url, keyring, public_catalogue=True, short_way=request.param) as shop:
        stock(shop, "book-1", "book-2", "book-3")
        yield shop


def shown(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("path", PATHS)
async def test_a_stranger_sees_what_a_customer_sees(public: Shop, path: str) -> None:
    ann = buyer(public)
    stranger = await public.http.get(path)
    assert shown(stranger) == shown(await ann.get(path))
    assert "owned" not in stranger.text
    assert shown(await public.http.get(path, headers={"X-Cust-Id": "ann"})) == shown(stranger)


async def test_a_stranger_reads_page_by_page(public: Shop) -> None:
    first = shown(await public.http.get("/v1/products", params={"limit": 2}))
    rest = shown(await public.http.get("/v1/products", params={"cursor": first["nextCursor"]}))
    assert sorted(item["productId"] for item in first["items"] + rest["items"]) == ["book-1", "book-2", "book-3"]
    assert (await public.http.get("/v1/products/no-such-book")).status_code == 404
    assert (await public.http.get("/v1/products", params={"limit": 0})).status_code == 400


@pytest.mark.parametrize("path", PATHS)
async def test_what_may_be_kept_by_whom(public: Shop, path: str) -> None:
    """A stranger's answer by anybody, for a minute; a customer's and a refusal by nobody."""
    stranger = await public.http.get(path)
    assert stranger.headers.get_list("cache-control") == ["public, max-age=60"]
    assert "authorization" in stranger.headers["vary"]
    head = await public.http.head(path)
    assert (head.status_code, head.headers["cache-control"], head.content) == (200, "public, max-age=60", b"")
    customer = await buyer(public).get(path)
    assert customer.headers.get_list("cache-control") == ["no-store"]
    missing = await public.http.get("/v1/products/no-such-book")
    assert missing.headers.get_list("cache-control") == ["no-store"]


@pytest.mark.parametrize("path", PATHS)
async def test_a_session_that_is_sent_must_be_one(public: Shop, path: str) -> None:
    ann = buyer(public)
    for headers, status in (
        ({"Authorization": "Bearer x.y.z", "X-Cust-Id": "ann"}, 401),
        ({"Authorization": "Basic YTpi"}, 401),
        (ann.headers | {"X-Cust-Id": "bob"}, 403),
    ):
        assert (await public.http.get(path, headers=headers)).status_code == status
    assert (await public.http.delete("/v1/sessions/current", headers=ann.headers)).status_code == 204
    assert (await ann.get(path)).status_code == 401
    assert (await public.http.get(path)).status_code == 200


async def test_all_else_asks_who_it_is(public: Shop) -> None:
    for method, path in (
        ("GET", "/v1/cart"),
        ("PUT", "/v1/cart/items/book-1"),
        ("GET", "/v1/read/book-1"),
        ("GET", "/v1/wallet"),
        ("GET", "/v1/admin/products/book-1"),
    ):
        assert (await public.http.request(method, path)).status_code == 401, path


@pytest.mark.parametrize("path", PATHS)
async def test_unless_it_is_set_a_stranger_sees_nothing(shop: Shop, path: str) -> None:
    stock(shop, "book-1")
    answer = await shop.http.get(path)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert "Title" not in answer.text


async def test_the_document_says_who_may(public: Shop, shop: Shop) -> None:
    for served, security, needed in ((public, [{}, {"session": []}], False), (shop, [{"session": []}], True)):
        described = (await served.http.get("/openapi.json")).json()["paths"]["/v1/products"]["get"]
        assert described["security"] == security
        named = [each for each in described["parameters"] if each.get("name") == "X-Cust-Id"]
        assert [each["required"] for each in named] == ([] if needed else [False])
        assert ({"$ref": "#/components/parameters/X-Cust-Id"} in described["parameters"]) is needed


async def _ask_on(http: httpx.AsyncClient, path: str, stop: asyncio.Event, seen: list[int]) -> None:
    while not stop.is_set():
        answer = await http.get(path)
        seen.append(answer.status_code)
        assert answer.status_code == 200 or answer.json()["code"] == "overloaded"


async def test_a_flood_of_strangers_leaves_the_catalogue_to_customers(public: Shop) -> None:
    """While strangers are told to come later, customers list, look and buy, and none of them is refused."""
    await give(public, "ann", 500)
    ann: Buyer = buyer(public)
    stop, seen = asyncio.Event(), list[int]()
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=public.url, timeout=PATIENCE, limits=limits) as flood:
        asking = [asyncio.create_task(_ask_on(flood, "/v1/products", stop, seen)) for _ in range(AT_ONCE)]
        await until(lambda: 503 in seen and 200 in seen)
        for number in (1, 2, 3):
            assert (await ann.get("/v1/products")).status_code == 200
            assert (await ann.get(f"/v1/products/book-{number}")).status_code == 200
            assert (await ann.buy(f"book-{number}")).status_code == 200
        stop.set()
        await asyncio.gather(*asking)
