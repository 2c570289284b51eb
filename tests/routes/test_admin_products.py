"""The catalogue as the platform's servers keep it: create, replace, change, list, take out, refuse."""

import asyncio
from typing import Any

import psycopg
import pytest

from lingdang.clock import system_clock
from lingdang.identity.api_keys import Scope, create_api_key
from support.buyer import books, buyer, give, stock
from support.shop import Shop

EMMA: dict[str, Any] = {"title": "Emma", "price": 80, "listPrice": 100, "attributes": {"authors": "Jane Austen"}}


async def key(shop: Shop, *scopes: Scope) -> dict[str, str]:
    """The header of a new key with these scopes."""
    async with await psycopg.AsyncConnection.connect(shop.database_url, autocommit=True) as connection:
        return {"Authorization": f"Bearer {await create_api_key(connection, 'test', scopes, system_clock())}"}


def stored(shop: Shop) -> list[tuple[Any, ...]]:
    return shop.sql("SELECT product_id, title, price, updated_at FROM product")


async def test_created_then_replaced_then_unchanged(shop: Shop) -> None:
    writer = await key(shop, "catalog:write")
    created = await shop.http.put("/v1/admin/products/emma", json=EMMA, headers=writer)
    assert (created.status_code, created.json()["listPrice"]) == (201, 100)
    assert (await shop.http.get("/v1/admin/products/emma", headers=writer)).json() == created.json()

    replaced = await shop.http.put("/v1/admin/products/emma", json={"title": "Emma", "price": 70}, headers=writer)
    assert (replaced.status_code, replaced.json()["listPrice"], replaced.json()["attributes"]) == (200, 70, {})

    before = stored(shop)
    same = await shop.http.put("/v1/admin/products/emma", json={"title": "Emma", "price": 70}, headers=writer)
    assert same.status_code == 200
    assert stored(shop) == before


@pytest.mark.parametrize(
    ("path", "body", "where"),
    [
        ("emma", {**EMMA, "stock": 1}, "$"),
        ("emma", {**EMMA, "price": "80"}, "$.price"),
        ("emma", {**EMMA, "listPrice": 79}, "$"),
        ("emma", {**EMMA, "title": "a\x00"}, "$.title"),
        ("emma", {"price": 1}, "$"),
        ("a%20b", EMMA, "$.productId"),
    ],
)
async def test_a_malformed_product_is_invalid(shop: Shop, path: str, body: dict[str, Any], where: str) -> None:
    writer = await key(shop, "catalog:write")
    answer = await shop.http.put(f"/v1/admin/products/{path}", json=body, headers=writer)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert answer.json()["errors"][0]["path"] == where
    assert stored(shop) == []


async def test_without_the_scope_nothing_is_written_or_told(shop: Shop) -> None:
    reader = await key(shop, "orders:read")
    for headers, status, code in (({}, 401, "unauthenticated"), (reader, 403, "scope_missing")):
        written = await shop.http.put("/v1/admin/products/emma", json=EMMA, headers=headers)
        shown = await shop.http.get("/v1/admin/products/emma", headers=headers)
        assert (written.status_code, written.json()["code"]) == (status, code)
        assert (shown.status_code, shown.json()["code"]) == (status, code)
    assert stored(shop) == []


async def test_an_unknown_product_is_not_found(shop: Shop) -> None:
    answer = await shop.http.get("/v1/admin/products/none", headers=await key(shop, "catalog:write"))
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_change_names_what_changes(shop: Shop) -> None:
    writer = await key(shop, "catalog:write")
    made = (await shop.http.put("/v1/admin/products/emma", json=EMMA, headers=writer)).json()
    changed = await shop.http.patch("/v1/admin/products/emma", json={"price": 70, "intro": "A novel"}, headers=writer)
    assert changed.status_code == 200
    assert changed.json() == made | {"price": 70, "intro": "A novel", "updatedAt": changed.json()["updatedAt"]}
    attributes = {"attributes": {"authors": None, "language": "en"}, "intro": None}
    again = (await shop.http.patch("/v1/admin/products/emma", json=attributes, headers=writer)).json()
    assert (again["attributes"], again["intro"], again["price"]) == ({"language": "en"}, "", 70)
    before = stored(shop)
    assert (await shop.http.patch("/v1/admin/products/emma", json={}, headers=writer)).status_code == 200
    assert stored(shop) == before


@pytest.mark.parametrize(
    ("product_id", "body", "status"),
    [
        ("emma", {"listPrice": 79}, 400),
        ("emma", {"price": "70"}, 400),
        ("emma", {"title": None}, 400),
        ("emma", {"title": " "}, 400),
        ("emma", {"productId": "other"}, 400),
        ("emma", {"onSaleFrom": "2027-01-01T00:00:00Z", "onSaleUntil": "2026-01-01T00:00:00Z"}, 400),
        ("none", {"price": 1}, 404),
    ],
)
async def test_a_change_that_is_refused_changes_nothing(
    shop: Shop, product_id: str, body: dict[str, Any], status: int
) -> None:
    writer = await key(shop, "catalog:write")
    await shop.http.put("/v1/admin/products/emma", json=EMMA, headers=writer)
    before = shop.sql("SELECT * FROM product")
    answer = await shop.http.patch(f"/v1/admin/products/{product_id}", json=body, headers=writer)
    assert answer.status_code == status
    assert shop.sql("SELECT * FROM product") == before


async def test_changes_at_once_lose_none_of_each_other(shop: Shop) -> None:
    writer = await key(shop, "catalog:write")
    await shop.http.put("/v1/admin/products/emma", json=EMMA, headers=writer)
    named = [{"attributes": {f"a{n}": n}} for n in range(20)]
    answers = await asyncio.gather(
        *(shop.http.patch("/v1/admin/products/emma", json=each, headers=writer) for each in named)
    )
    assert {answer.status_code for answer in answers} == {200}
    shown = (await shop.http.get("/v1/admin/products/emma", headers=writer)).json()
    assert shown["attributes"] == EMMA["attributes"] | {f"a{n}": n for n in range(20)}


async def test_every_product_page_by_page(shop: Shop) -> None:
    """On sale or not, by productId, and by status."""
    writer = await key(shop, "catalog:write")
    for name, status in (("c", "active"), ("a", "withdrawn"), ("b", "active")):
        body = EMMA | {"status": status, "popularity": ord(name)}
        await shop.http.put(f"/v1/admin/products/{name}", json=body, headers=writer)
    whole = (await shop.http.get("/v1/admin/products", headers=writer)).json()
    assert [(each["productId"], each["status"]) for each in whole["items"]] == [
        ("a", "withdrawn"),
        ("b", "active"),
        ("c", "active"),
    ]
    first = (await shop.http.get("/v1/admin/products", params={"limit": 1}, headers=writer)).json()
    rest = (await shop.http.get("/v1/admin/products", params={"cursor": first["nextCursor"]}, headers=writer)).json()
    assert (first["items"] + rest["items"], rest["nextCursor"]) == (whole["items"], None)
    active = (await shop.http.get("/v1/admin/products", params={"status": "active"}, headers=writer)).json()
    assert active["items"] == whole["items"][1:]
    for params in ({"status": "gone"}, {"query": "emma"}, {"limit": "0"}):
        assert (await shop.http.get("/v1/admin/products", params=params, headers=writer)).status_code == 400


async def test_what_is_taken_out_is_sold_no_more_and_stays_whose_it_is(shop: Shop) -> None:
    stock(shop, "emma", "other")
    await give(shop, "ann", 500)
    ann = buyer(shop)
    assert (await ann.buy("emma")).status_code == 200
    bob = buyer(shop, "bob")
    assert (await shop.http.put("/v1/cart/items/emma", headers=bob.headers)).status_code == 200
    await give(shop, "bob", 500)
    offer = await bob.checkout("emma")
    before = books(shop)

    writer = await key(shop, "catalog:write")
    gone = await shop.http.delete("/v1/admin/products/emma", headers=writer)
    assert (gone.status_code, gone.content) == (204, b"")
    for again in (
        await shop.http.delete("/v1/admin/products/emma", headers=writer),
        await shop.http.get("/v1/admin/products/emma", headers=writer),
        await bob.get("/v1/products/emma"),
    ):
        assert (again.status_code, again.json()["code"]) == (404, "not_found")
    refused = await bob.send(bob.payment(offer["orderToken"], ["emma"]))
    assert (refused.status_code, refused.json()["code"]) == (409, "product_unavailable")
    assert (await bob.get("/v1/cart")).status_code == 200
    assert [each["productId"] for each in (await ann.get("/v1/entitlements")).json()["items"]] == ["emma"]
    assert (await ann.get("/v1/access", productId="emma")).status_code == 204
    assert (await ann.get("/v1/orders")).json()["items"][0]["lines"][0]["title"] == "Title of emma"
    assert books(shop) == before
