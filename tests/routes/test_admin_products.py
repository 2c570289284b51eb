"""PUT and GET /v1/admin/products/{productId}: create, replace, refuse."""

from typing import Any

import psycopg
import pytest

from lingdang.clock import system_clock
from lingdang.identity.api_keys import Scope, create_api_key
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
