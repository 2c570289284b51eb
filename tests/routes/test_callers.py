"""Every operators' route asks for a key with its own scope, and does nothing without one."""

from typing import Any

import pytest

from lingdang.clock import system_clock
from lingdang.db.pool import Connection
from lingdang.identity.api_keys import SCOPES, Scope, revoke_api_key
from support.buyer import books, buyer, give, stock
from support.people import api_key
from support.shop import Shop

CREDIT = {"creditId": "c-1", "amount": 5, "kind": "paid", "reason": "test"}
ROUTES: list[tuple[Scope, str, str, Any, int]] = [
    ("customers:write", "POST", "/v1/admin/customers", {"custId": "bob", "password": "correct horse"}, 201),
    ("catalog:write", "PUT", "/v1/admin/products/b-1", {"title": "Emma", "price": 80}, 200),
    ("catalog:write", "GET", "/v1/admin/products/b-1", None, 200),
    ("catalog:write", "PATCH", "/v1/admin/products/b-1", {"price": 90}, 200),
    ("catalog:write", "DELETE", "/v1/admin/products/b-1", None, 204),
    ("catalog:write", "GET", "/v1/admin/products", None, 200),
    ("wallets:credit", "POST", "/v1/admin/wallets/ann/credits", CREDIT, 200),
    (
        "wallets:adjust",
        "POST",
        "/v1/admin/wallets/ann/adjustments",
        {"adjustmentId": "a-1", "amount": -5, "reason": "test"},
        200,
    ),
    ("orders:read", "GET", "/v1/admin/orders?custId=ann", None, 200),
    ("orders:read", "GET", "/v1/admin/orders", None, 200),
    ("events:read", "GET", "/v1/admin/events", None, 200),
    ("customers:read", "POST", "/v1/admin/entitlements/check", {"custId": "ann", "productIds": ["b-1"]}, 200),
    ("customers:read", "GET", "/v1/admin/customers/ann", None, 200),
    ("customers:read", "GET", "/v1/admin/customers/ann/wallet", None, 200),
    ("customers:read", "GET", "/v1/admin/customers/ann/entries", None, 200),
    ("customers:read", "GET", "/v1/admin/customers/ann/entitlements", None, 200),
    ("customers:read", "GET", "/v1/admin/customers/ann/vouchers", None, 200),
    ("customers:read", "GET", "/v1/admin/customers/ann/orders", None, 200),
]


def everything(shop: Shop) -> list[Any]:
    """All that the operators' routes could change."""
    return [books(shop), *(shop.sql(f"SELECT * FROM {table} ORDER BY 1, 2") for table in ("customer", "product"))]


def wrong_keys(authorization: str) -> list[str]:
    """The key with another secret, under another id, cut short, drawn out, or in another scheme."""
    start, secret = authorization[:-43], authorization[-43:]
    key_id = start.removeprefix("Bearer ld_").removesuffix("_")
    return [
        start + "A" * 43,
        start + ("B" if secret[0] == "A" else "A") + secret[1:],
        f"Bearer ld_{'0' * 16}_{secret}",
        f"Bearer ld_{key_id.upper()}x_{secret}",
        f"Bearer ld_{secret}",
        authorization[:-1],
        authorization + "A",
        authorization.replace(" ", "  "),
        authorization.removeprefix("Bearer "),
        authorization.replace("Bearer", "Basic"),
    ]


@pytest.mark.parametrize(
    ("scope", "method", "path", "body", "status"), ROUTES, ids=[f"{method} {path}" for _, method, path, *_ in ROUTES]
)
async def test_only_a_key_of_the_scope_opens_a_route(
    shop: Shop, scope: Scope, method: str, path: str, body: Any, status: int
) -> None:
    stock(shop, "b-1")
    await give(shop, "ann", 500)
    ann = buyer(shop)
    right = await api_key(shop, scope)
    others = await api_key(shop, *(other for other in SCOPES if other != scope), name="others")
    revoked = await api_key(shop, scope, name="revoked")
    async with await Connection.connect(shop.database_url, autocommit=True) as connection:
        assert await revoke_api_key(connection, "revoked", system_clock())
    before = everything(shop)

    wrong: list[dict[str, str]] = [{"Authorization": other} for other in wrong_keys(right["Authorization"])]
    for headers in ({}, {"Authorization": ""}, ann.headers, revoked, *wrong):
        answer = await shop.http.request(method, path, json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), headers
        assert answer.headers["content-type"] == "application/problem+json"
    answer = await shop.http.request(method, path, json=body, headers=others)
    assert (answer.status_code, answer.json()["code"], answer.json()["scope"]) == (403, "scope_missing", scope)
    assert everything(shop) == before

    assert (await shop.http.request(method, path, json=body, headers=right)).status_code == status


async def test_a_key_opens_nothing_of_a_customer_s(shop: Shop) -> None:
    headers = await api_key(shop) | {"X-Cust-Id": "ann"}
    for path in ("/v1/cart", "/v1/orders", "/v1/wallet", "/v1/entitlements"):
        answer = await shop.http.get(path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), path
        assert answer.headers["www-authenticate"] == "Bearer", path
