"""API keys: each scope opens its own routes, and a revoked key none."""

import hashlib
from typing import Any

import pytest

from lingdang.clock import system_clock
from lingdang.db.pool import Connection
from lingdang.identity.api_keys import SCOPES, create_api_key, list_api_keys, revoke_api_key
from lingdang.keys import Keyring
from support.buyer import buyer
from support.people import PASSWORD, api_key, login, open_session
from support.shop import Shop, open_shop

CREDIT = {"creditId": "c-1", "amount": 5, "kind": "paid", "reason": "test"}
ROUTES: list[tuple[str, str, str, Any]] = [
    ("customers:write", "POST", "/v1/admin/customers", {"custId": "ann"}),
    ("catalog:write", "PUT", "/v1/admin/products/b-1", {"title": "Emma", "price": 80}),
    ("catalog:write", "GET", "/v1/admin/products/b-1", None),
    ("wallets:credit", "POST", "/v1/admin/wallets/ann/credits", CREDIT),
    ("orders:read", "GET", "/v1/admin/orders?custId=ann", None),
]
TABLES = ("customer", "product", "credit", "wallet", "transfer")


def everything(shop: Shop) -> list[Any]:
    return [shop.sql(f"SELECT * FROM {table}") for table in TABLES]


@pytest.mark.parametrize(("scope", "method", "path", "body"), ROUTES)
async def test_a_route_asks_for_its_scope(shop: Shop, scope: Any, method: str, path: str, body: Any) -> None:
    before = everything(shop)
    others = await api_key(shop, *(other for other in SCOPES if other != scope))
    session = buyer(shop).headers
    for headers in ({}, {"Authorization": "Bearer ld_" + "a" * 43}, {"Authorization": "Bearer ld_x"}, session):
        answer = await shop.http.request(method, path, json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    answer = await shop.http.request(method, path, json=body, headers=others)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["scope"]) == (403, "scope_missing", scope)
    assert everything(shop) == before
    only = await api_key(shop, scope, name="only")
    assert (await shop.http.request(method, path, json=body, headers=only)).status_code in (200, 201, 404)


async def test_a_key_is_stored_as_its_hash_and_refused_everywhere_once_revoked(
    shop: Shop, database_url: str, keyring: Keyring
) -> None:
    headers = await api_key(shop, "orders:read")
    secret = headers["Authorization"].removeprefix("Bearer ")
    assert shop.sql("SELECT key_hash FROM api_key") == [(hashlib.sha256(secret.encode()).digest(),)]
    assert secret not in str(shop.sql("SELECT * FROM api_key"))
    async with open_shop(database_url, keyring) as other:
        path = "/v1/admin/orders?custId=ann"
        assert (await other.http.get(path, headers=headers)).status_code == 200
        async with await Connection.connect(database_url, autocommit=True) as connection:
            assert await revoke_api_key(connection, "platform", system_clock())
            assert not await revoke_api_key(connection, "platform", system_clock())
        for each in (shop, other):
            answer = await each.http.get(path, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
            assert secret not in answer.text


async def test_a_name_is_free_again_when_its_key_is_revoked(database_url: str) -> None:
    now = system_clock()
    async with await Connection.connect(database_url, autocommit=True) as connection:
        first = await create_api_key(connection, "erp", ["orders:read", "orders:read"], now)
        assert await create_api_key(connection, "erp", ["orders:read"], now) is None
        assert await revoke_api_key(connection, "erp", now)
        second = await create_api_key(connection, "erp", ["orders:refund", "catalog:write"], now)
        assert first is not None
        assert second is not None
        assert first != second
        assert len(first) == len(second) == 46
        rows = await list_api_keys(connection)
    found = {(row.name, tuple(row.scopes), row.revoked_at) for row in rows}
    assert found == {("erp", ("orders:read",), now), ("erp", ("catalog:write", "orders:refund"), None)}


async def test_operators_add_customers(shop: Shop) -> None:
    headers = await api_key(shop, "customers:write")

    async def add(**body: Any) -> Any:
        return await shop.http.post("/v1/admin/customers", json=body, headers=headers)

    first = await add(custId="ann")
    assert (first.status_code, set(first.json())) == (201, {"custId", "createdAt"})
    assert (await open_session(shop)).status_code == 401
    again = await add(custId="ann", password=PASSWORD)
    assert (again.status_code, again.json()) == (200, first.json())
    before = shop.sql("SELECT * FROM customer")
    assert (await add(custId="ann", password=PASSWORD)).status_code == 200
    assert (await add(custId="ann")).status_code == 200
    assert shop.sql("SELECT * FROM customer") == before
    assert (await open_session(shop)).status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"custId": ""},
        {"custId": "a b"},
        {"custId": "ann", "password": "seven77"},
        {"custId": "ann", "password": "x" * 257},
        {"custId": "ann", "password": 12345678},
        {"custId": "ann", "pasword": PASSWORD},
    ],
)
async def test_malformed_customers(shop: Shop, body: dict[str, Any]) -> None:
    headers = await api_key(shop, "customers:write")
    answer = await shop.http.post("/v1/admin/customers", json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert "seven77" not in answer.text
    assert PASSWORD not in answer.text
    assert shop.sql("SELECT * FROM customer") == []


async def test_a_password_from_the_operators_ends_sessions_over_http(shop: Shop) -> None:
    ann = await login(shop)
    headers = await api_key(shop, "customers:write")
    body = {"custId": "ann", "password": "another horse"}
    assert (await shop.http.post("/v1/admin/customers", json=body, headers=headers)).status_code == 200
    assert (await ann.get("/v1/cart")).status_code == 401
