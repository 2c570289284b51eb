"""GET /v1/admin/orders: the orders of all customers, by whose, when, what and state; and one of them."""

from typing import Any

import httpx
import pytest

from lingdang.paging import to_cursor
from support.buyer import books, buyer, give, stock
from support.people import api_key
from support.refunds import desk_of, refund
from support.shop import Shop


async def orders(shop: Shop, headers: dict[str, str], **params: Any) -> httpx.Response:
    return await shop.http.get("/v1/admin/orders", params=params, headers=headers)


@pytest.fixture
async def paid(shop: Shop) -> list[str]:
    return await five_paid(shop)


@pytest.fixture(scope="module")
async def some_back(shared_shop: Shop) -> list[str]:
    """The same in the shop that this file shares, where Bob's b has come back, and of Ann's b and c the first."""
    ids = await five_paid(shared_shop)
    desk = await desk_of(shared_shop)
    assert (await refund(shared_shop, desk, ids[1])).status_code == 200
    assert (await refund(shared_shop, desk, ids[2], productIds=["b"])).status_code == 200
    return ids


@pytest.fixture(scope="module")
async def reader(shared_shop: Shop) -> dict[str, str]:
    """The headers of a key that reads orders there."""
    return await api_key(shared_shop, "orders:read")


async def five_paid(shop: Shop) -> list[str]:
    """The ids of five orders, oldest first: Ann buys a, Bob b, Ann b and c, Bob c, Ann d."""
    stock(shop, "a", "b", "c", "d")
    for cust_id in ("ann", "bob"):
        await give(shop, cust_id, 500)
    people = {name: buyer(shop, name) for name in ("ann", "bob")}
    bought = [("ann", "a"), ("bob", "b"), ("ann", "b", "c"), ("bob", "c"), ("ann", "d")]
    return [(await people[who].buy(*names)).json()["orderId"] for who, *names in bought]


async def found(shop: Shop, reader: dict[str, str], limit: int = 50, **params: Any) -> list[str]:
    """The ids on every page, and no page is longer than asked for or empty before the end."""
    ids: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await orders(shop, reader, limit=limit, **params, **cursor)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        ids += [item["orderId"] for item in page["items"]]
        assert len(page["items"]) <= limit
        if page["nextCursor"] is None:
            return ids
        assert page["items"]
        cursor = {"cursor": page["nextCursor"]}


async def test_the_orders_of_all_customers_newest_first(shop: Shop, paid: list[str]) -> None:
    reader = await api_key(shop, "orders:read")
    seen = (await orders(shop, reader)).json()
    assert [item["orderId"] for item in seen["items"]] == paid[::-1]
    assert [item["custId"] for item in seen["items"]] == ["ann", "bob", "ann", "bob", "ann"]
    own = (await buyer(shop).get("/v1/orders")).json()["items"]
    assert [item for item in seen["items"] if item["custId"] == "ann"] == [item | {"custId": "ann"} for item in own]


@pytest.mark.parametrize("limit", [1, 2, 5, 200])
@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, [4, 3, 2, 1, 0]),
        ({"custId": "ann"}, [4, 2, 0]),
        ({"productId": "b"}, [2, 1]),
        ({"productId": "c", "custId": "ann"}, [2]),
        ({"productId": "z"}, []),
        ({"status": "paid"}, [4, 3, 0]),
        ({"status": "partly_refunded"}, [2]),
        ({"status": "refunded"}, [1]),
        ({"status": "refunded", "custId": "ann"}, []),
        ({"status": "partly_refunded", "productId": "c"}, [2]),
        ({"status": "paid", "productId": "c"}, [3]),
    ],
    ids=str,
)
async def test_all_that_is_asked_holds_on_every_page(
    shared_shop: Shop,
    reader: dict[str, str],
    some_back: list[str],
    params: dict[str, Any],
    expected: list[int],
    limit: int,
) -> None:
    before = books(shared_shop)
    assert await found(shared_shop, reader, limit, **params) == [some_back[number] for number in expected]
    assert books(shared_shop) == before


@pytest.mark.parametrize("cust_id", [None, "ann"])
async def test_a_period_ends_before_its_end(shop: Shop, paid: list[str], cust_id: str | None) -> None:
    """To the microsecond: from a payment on, before a payment, and by days of the shop's zone."""
    whose = {"custId": cust_id} if cust_id else {}
    reader = await api_key(shop, "orders:read")
    whole = await found(shop, reader, **whose)
    at = {str(order_id): moment.isoformat() for order_id, moment in shop.sql("SELECT order_id, paid_at FROM orders")}
    middle = at[paid[2]]
    since, before = [paid[n] for n in (4, 3, 2)], [paid[n] for n in (1, 0)]
    assert await found(shop, reader, **whose, **{"from": middle}) == [i for i in whole if i in since]
    assert await found(shop, reader, **whose, to=middle) == [i for i in whole if i in before]
    assert await found(shop, reader, **whose, **{"from": at[whole[-1]], "to": middle}) == [
        i for i in whole if i in before
    ]
    assert await found(shop, reader, **whose, **{"from": "2001-01-01", "to": "2999-12-30"}) == whole
    assert await found(shop, reader, **whose, to="2002-01-01") == []
    assert await found(shop, reader, **whose, **{"from": "2998-01-01"}) == []


async def test_an_order_that_is_paid_late_is_of_the_day_of_its_payment(shop: Shop) -> None:
    """Its id is as old as its checkout."""
    stock(shop, "a")
    await give(shop, "ann", 500)
    ann = buyer(shop)
    offer = await ann.checkout("a")
    [[moment]] = shop.sql("SELECT now()")
    assert (await ann.send(ann.payment(offer["orderToken"], ["a"]))).status_code == 200
    reader = await api_key(shop, "orders:read")
    assert await found(shop, reader, **{"from": moment.isoformat()}) == [offer["orderId"]]
    assert await found(shop, reader, to=moment.isoformat()) == []


async def test_one_order(shop: Shop, paid: list[str]) -> None:
    reader = await api_key(shop, "orders:read")
    one = await shop.http.get(f"/v1/admin/orders/{paid[3]}", headers=reader)
    assert one.json() == (await buyer(shop, "bob").get(f"/v1/orders/{paid[3]}")).json() | {"custId": "bob"}
    [[credit]] = shop.sql("SELECT cause FROM transfer WHERE kind = 'credit' LIMIT 1")
    for order_id in (str(credit), "0199aaaa-0000-7000-8000-000000000001"):
        none = await shop.http.get(f"/v1/admin/orders/{order_id}", headers=reader)
        assert (none.status_code, none.json()["code"]) == (404, "not_found")


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
        {"custId": ""},
        {"custId": "a b"},
        {"custId": "a" * 129},
        {"custId": "ann", "limit": 0},
        {"custId": "ann", "limit": 201},
        {"custId": "ann", "limit": "ten"},
        {"custId": "ann", "cursor": "not a cursor"},
        {"custId": "ann", "cursor": "YWJj"},
        {"cursor": "YWJj"},
        {"custId": "ann", "cursor": to_cursor("0199aaaa-0000-7000-8000-000000000001")},
        {"cursor": to_cursor("5")},
        {"productId": "a b"},
        {"status": "lost"},
        {"from": "yesterday"},
        {"from": "1999-01-01"},
        {"to": "2026-02-30"},
        {"from": "2026-02-02", "to": "2026-02-01"},
        {"customerId": "ann"},
        {"custid": "ann"},
    ],
    ids=str,
)
@pytest.mark.usefixtures("some_back")
async def test_malformed(shared_shop: Shop, reader: dict[str, str], params: dict[str, Any]) -> None:
    before = books(shared_shop)
    answer = await orders(shared_shop, reader, **params)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert books(shared_shop) == before
