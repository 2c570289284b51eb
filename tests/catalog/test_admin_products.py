"""PUT and GET /v1/admin/products/{productId}: create, replace, refuse."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import psycopg
import pytest
from litestar import Litestar

from lingdang.backoffice import products
from lingdang.clock import system_clock
from lingdang.db.pool import make_pool
from lingdang.errors import Problem
from lingdang.http.answers import EXCEPTION_HANDLERS

KEY = {"Authorization": "Bearer ld_writer"}
EMMA: dict[str, Any] = {"title": "Emma", "price": 80, "listPrice": 100, "attributes": {"authors": "Jane Austen"}}


class OneKey:
    """One key with one scope: how keys are kept is another package's matter."""

    async def require(self, authorization: str | None, scope: str) -> Any:
        if authorization != KEY["Authorization"]:
            raise Problem("unauthenticated")
        if scope != "catalog:write":
            raise Problem("scope_missing", scope=scope)
        return None


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    pool = make_pool(database_url, 2, pgbouncer=False)
    app = Litestar(products.routes(OneKey(), pool, system_clock), exception_handlers=EXCEPTION_HANDLERS)
    async with pool, httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
        yield client


def stored(database_url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database_url) as connection:
        return connection.execute("SELECT product_id, title, price, updated_at FROM product").fetchall()


async def test_created_then_replaced_then_unchanged(api: httpx.AsyncClient, database_url: str) -> None:
    created = await api.put("/v1/admin/products/emma", json=EMMA, headers=KEY)
    assert (created.status_code, created.json()["listPrice"]) == (201, 100)
    assert (await api.get("/v1/admin/products/emma", headers=KEY)).json() == created.json()

    replaced = await api.put("/v1/admin/products/emma", json={"title": "Emma", "price": 70}, headers=KEY)
    assert (replaced.status_code, replaced.json()["listPrice"], replaced.json()["attributes"]) == (200, 70, {})

    before = stored(database_url)
    same = await api.put("/v1/admin/products/emma", json={"title": "Emma", "price": 70}, headers=KEY)
    assert same.status_code == 200
    assert stored(database_url) == before


@pytest.mark.parametrize(
    ("path", "body", "where"),
    [
        ("emma", {**EMMA, "stock": 1}, "$"),
        ("emma", {**EMMA, "listPrice": 79}, "$"),
        ("emma", {**EMMA, "title": "a\x00"}, "$.title"),
        ("emma", {"price": 1}, "$"),
        ("a%20b", EMMA, "$.productId"),
    ],
)
async def test_a_malformed_product_is_invalid(
    api: httpx.AsyncClient, database_url: str, path: str, body: dict[str, Any], where: str
) -> None:
    answer = await api.put(f"/v1/admin/products/{path}", json=body, headers=KEY)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert answer.json()["errors"][0]["path"] == where
    assert stored(database_url) == []


async def test_without_a_key_nothing_is_written_or_told(api: httpx.AsyncClient, database_url: str) -> None:
    assert (await api.put("/v1/admin/products/emma", json=EMMA)).status_code == 401
    assert stored(database_url) == []
    assert (await api.get("/v1/admin/products/emma")).status_code == 401
    assert (await api.get("/v1/admin/products/emma", headers=KEY)).status_code == 404
