"""What customers bought in the system before: their own list, newest first, for them and the platform's backend."""

from typing import Any

import pytest

from lingdang.paging import to_cursor
from support.buyer import buyer, give, stock
from support.customers import key_of
from support.people import api_key
from support.shop import Shop
from support.vouchers import all_books

_ADD = """
INSERT INTO past_order (customer, move, order_id, bucket, paid_at, currency, total, status, lines)
SELECT %s, m, 'n° ' || n, 0, timestamptz '2021-01-01Z' + n / 3 * interval '1 day', 'BELL', n, 'paid',
       '[{"title": "Emma", "price": 9, "payable": 8}]'
  FROM generate_series(1, %s) AS n, unnest('{main,old.games}'::text[]) AS m
"""


def history(shop: Shop, cust_id: str, orders: int) -> None:
    """Past orders of two moves, several at one moment."""
    shop.sql(_ADD, (key_of(cust_id), orders))


async def test_each_is_on_one_page_newest_first(shop: Shop) -> None:
    ann, bob = buyer(shop), buyer(shop, "bob")
    history(shop, "ann", 10)
    history(shop, "bob", 1)
    whole = (await ann.get("/v1/orders/history")).json()
    assert (len(whole["items"]), whole["nextCursor"]) == (20, None)
    assert [item["paidAt"] for item in whole["items"]] == sorted((i["paidAt"] for i in whole["items"]), reverse=True)
    for limit in (1, 3, 20):
        found: list[Any] = []
        page: dict[str, Any] = {"nextCursor": None}
        while not found or page["nextCursor"] is not None:
            cursor = {"cursor": page["nextCursor"]} if found else {}
            page = (await ann.get("/v1/orders/history", limit=limit, **cursor)).json()
            assert 1 <= len(page["items"]) <= limit
            found += page["items"]
        assert found == whole["items"]
    assert [item["total"] for item in (await bob.get("/v1/orders/history")).json()["items"]] == [1, 1]


async def test_the_longest_ids_are_paged_through(shop: Shop) -> None:
    """Each is 64 characters of 4 bytes, in moves with the longest names."""
    ann = buyer(shop)
    history(shop, "ann", 2)
    shop.sql("UPDATE past_order SET order_id = repeat('🔔', 63) || right(order_id, 1), move = rpad(move, 16, 'x')")
    shop.sql("UPDATE past_order SET paid_at = paid_at + interval '1 microsecond'")
    found, cursor = [], {}
    for _ in range(4):
        answer = await ann.get("/v1/orders/history", limit=1, **cursor)
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        cursor = {"cursor": answer.json()["nextCursor"]}
    assert (len(found), cursor) == (4, {"cursor": None})
    assert sorted(item["orderId"][-1] for item in found) == ["1", "1", "2", "2"]


async def test_one_of_them(shop: Shop) -> None:
    ann = buyer(shop)
    history(shop, "ann", 1)
    first = (await ann.get("/v1/orders/history", limit=1)).json()["items"][0]
    assert first == {
        "orderId": "n° 1",
        "status": "paid",
        "currency": "BELL",
        "total": 1,
        "paidAt": "2021-01-01T00:00:00Z",
        "lines": [{"title": "Emma", "price": 9, "payable": 8, "productId": None}],
    }


async def test_they_are_in_no_other_list(shop: Shop) -> None:
    stock(shop, "book-1")
    await give(shop, "ann", 500)
    ann = buyer(shop)
    assert (await ann.get("/v1/orders/history")).json() == {"items": [], "nextCursor": None}
    assert (await ann.buy("book-1")).status_code == 200
    lists = ("/v1/orders", "/v1/wallet/entries", "/v1/entitlements")
    before = [(await ann.get(path)).json() for path in lists]
    history(shop, "ann", 2)
    assert [(await ann.get(path)).json() for path in lists] == before
    assert len((await ann.get("/v1/orders/history")).json()["items"]) == 4


async def test_the_backend_is_told_what_the_customer_is_told(shop: Shop) -> None:
    ann = buyer(shop)
    history(shop, "ann", 3)
    own = (await ann.get("/v1/orders/history", limit=2)).json()
    path, before = "/v1/admin/customers/ann/orders/history", all_books(shop)
    answer = await shop.http.get(path, params={"limit": 2}, headers=await api_key(shop, "customers:read"))
    assert (answer.status_code, answer.json()) == (200, own)
    refused = await shop.http.get(path, headers=await api_key(shop, "orders:read", name="other"))
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    unknown = path.replace("ann", "nobody")
    answer = await shop.http.get(unknown, headers=await api_key(shop, "customers:read", name="third"))
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert all_books(shop) == before


@pytest.mark.parametrize(
    "key",
    ["x", "2021-01-01 main 1", "2021-01-01T00:00:00+00:00 main", "0001-01-01T00:00:00+14:00 main 1", "soon main 1"],
)
async def test_an_impossible_cursor_is_named(shop: Shop, key: str) -> None:
    answer = await buyer(shop).get("/v1/orders/history", cursor=to_cursor(key))
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (400, "$.cursor")


async def test_only_with_a_session_of_ones_own(shop: Shop) -> None:
    ann = buyer(shop)
    assert (await shop.http.get("/v1/orders/history")).status_code == 401
    other = await shop.http.get("/v1/orders/history", headers=ann.headers | {"X-Cust-Id": "bob"})
    assert (other.status_code, other.json()["code"]) == (403, "cust_mismatch")
