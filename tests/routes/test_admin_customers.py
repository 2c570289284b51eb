"""POST /v1/admin/customers: added once, given a password, refused."""

from typing import Any

import httpx
import pytest

from support.people import PASSWORD, api_key, login, open_session
from support.shop import Shop


async def add(shop: Shop, headers: dict[str, str], **body: Any) -> httpx.Response:
    return await shop.http.post("/v1/admin/customers", json=body, headers=headers)


async def test_added_once_then_given_a_password(shop: Shop) -> None:
    headers = await api_key(shop, "customers:write")
    first = await add(shop, headers, custId="ann")
    assert (first.status_code, set(first.json()), first.json()["custId"]) == (201, {"custId", "createdAt"}, "ann")
    assert (await open_session(shop)).status_code == 401
    again = await add(shop, headers, custId="ann", password=PASSWORD)
    assert (again.status_code, again.json()) == (200, first.json())
    before = shop.sql("SELECT * FROM customer")
    assert (await add(shop, headers, custId="ann", password=PASSWORD)).status_code == 200
    assert (await add(shop, headers, custId="ann")).status_code == 200
    assert shop.sql("SELECT * FROM customer") == before
    assert (await open_session(shop)).status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"custId": ""},
        {"custId": "a b"},
        {"custId": "a" * 129},
        {"custId": 7},
        {"custId": "ann", "password": "seven77"},
        {"custId": "ann", "password": "x" * 257},
        {"custId": "ann", "password": 12345678},
        {"custId": "ann", "pasword": PASSWORD},
    ],
    ids=lambda body: str(body)[:40],
)
async def test_malformed(shop: Shop, body: dict[str, Any]) -> None:
    answer = await add(shop, await api_key(shop, "customers:write"), **body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert answer.json()["errors"]
    assert "seven77" not in answer.text
    assert PASSWORD not in answer.text
    assert shop.sql("SELECT * FROM customer") == []


async def test_a_new_password_ends_the_sessions_of_the_old(shop: Shop) -> None:
    ann = await login(shop)
    headers = await api_key(shop, "customers:write")
    assert (await add(shop, headers, custId="ann", password=PASSWORD)).status_code == 200
    assert (await ann.get("/v1/cart")).status_code == 200, "the same password ends nothing"
    assert (await add(shop, headers, custId="ann", password="another horse")).status_code == 200
    assert (await ann.get("/v1/cart")).status_code == 401
