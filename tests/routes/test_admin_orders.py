"""GET /v1/admin/orders: the orders of one customer, as the customer sees them."""

from typing import Any

import httpx
import pytest

from support.buyer import books, buyer, give, stock
from support.people import api_key
from support.shop import Shop


async def orders(shop: Shop, headers: dict[str, str], **params: Any) -> httpx.Response:
    return await shop.http.get("/v1/admin/orders", params=params, headers=headers)


async def test_the_orders_of_one_customer_page_by_page(shop: Shop) -> None:
    stock(shop, "b-1", "b-2", "b-3")
    for cust_id in ("ann", "bob"):
        await give(shop, cust_id, 500)
    ann = buyer(shop)
    paid = [(await ann.buy(product_id)).json()["orderId"] for product_id in ("b-1", "b-2", "b-3")]
    assert (await buyer(shop, "bob").buy("b-1")).status_code == 200
    reader = await api_key(shop, "orders:read")

    seen = (await orders(shop, reader, custId="ann")).json()
    assert [item["orderId"] for item in seen["items"]] == paid[::-1], "newest first, no other customer's"
    assert seen == (await ann.get("/v1/orders")).json()
    assert seen["items"][0]["lines"][0]["productId"] == "b-3"

    first = (await orders(shop, reader, custId="ann", limit=2)).json()
    second = (await orders(shop, reader, custId="ann", limit=2, cursor=first["nextCursor"])).json()
    assert first["items"] + second["items"] == seen["items"]
    assert (len(first["items"]), second["nextCursor"]) == (2, None)


async def test_who_has_none_and_who_is_nobody(shop: Shop) -> None:
    reader = await api_key(shop, "orders:read")
    nobody = await orders(shop, reader, custId="ann")
    assert (nobody.status_code, nobody.json()["code"]) == (404, "not_found")
    buyer(shop)
    none = await orders(shop, reader, custId="ann")
    assert (none.status_code, none.json()) == (200, {"items": [], "nextCursor": None})
    other = await orders(shop, reader, custId="Ann")
    assert (other.status_code, other.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"custId": ""},
        {"custId": "a b"},
        {"custId": "a" * 129},
        {"custId": "ann", "limit": 0},
        {"custId": "ann", "limit": 201},
        {"custId": "ann", "limit": "ten"},
        {"custId": "ann", "cursor": "not a cursor"},
        {"custId": "ann", "cursor": "YWJj"},
    ],
    ids=str,
)
async def test_malformed(shop: Shop, params: dict[str, Any]) -> None:
    await give(shop, "ann", 500)
    before = books(shop)
    answer = await orders(shop, await api_key(shop, "orders:read"), **params)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert books(shop) == before
