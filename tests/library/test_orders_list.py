"""Orders are found among a journal's other transfers a stretch at a time, and none is missed or shown twice."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from support.buyer import Buyer, buyer
from support.people import api_key
from support.shop import Shop

STRETCH = 1000
_JOURNAL = """
INSERT INTO transfer (bucket, customer_id, currency, seq, kind, amount, balance, at, accounts, amounts, reference,
                      order_id, lines)
SELECT 0, 'ann', %(currency)s, n, CASE WHEN o.paid THEN 'payment' ELSE 'credit' END, 0, 0,
       timestamptz '2026-01-01Z' + n * interval '1 second' + %(late)s * interval '1 day', '[]', '{}',
       CASE WHEN NOT o.paid THEN 'c' || n END, CASE WHEN o.paid THEN gen_random_uuid() END,
       CASE WHEN o.paid THEN '[["book", "A book", null, 0, 0, 0]]'::json END
  FROM generate_series(1, %(count)s) AS n, LATERAL (SELECT n %% %(every)s = %(rest)s AS paid) o;
"""
_WALLET = "INSERT INTO wallet (bucket, customer_id, currency, balance, seq, lots, remaining)"


def journal(shop: Shop, count: int, every: int, currency: str = "BELL", late: int = 0, rest: int = 0) -> None:
    """A wallet with `count` transfers, of which each `every`th is an order."""
    shop.sql(_JOURNAL, {"count": count, "every": every, "rest": rest, "currency": currency, "late": late})  # type: ignore[arg-type]
    shop.sql(f"{_WALLET} VALUES (0, 'ann', %s, 0, %s, '{{}}', '{{}}')", (currency, count))


async def pages(ann: Buyer, limit: int) -> list[list[dict[str, Any]]]:
    return await walked(lambda cursor: ann.get("/v1/orders", limit=limit, **cursor))


async def walked(ask: Callable[[dict[str, str]], Awaitable[httpx.Response]]) -> list[list[dict[str, Any]]]:
    """Every page of a list."""
    found = []
    cursor: dict[str, str] = {}
    while True:
        page = (await ask(cursor)).json()
        found.append(page["items"])
        if page["nextCursor"] is None:
            return found
        cursor = {"cursor": page["nextCursor"]}


@pytest.mark.parametrize(
    ("count", "every", "limit"),
    [(3, 1, 2), (3, 4, 50), (STRETCH, STRETCH, 50), (3500, 1500, 50), (2001, 1, 200), (3000, 7, 200), (2500, 2400, 1)],
)
async def test_every_order_once_and_newest_first(shop: Shop, count: int, every: int, limit: int) -> None:
    journal(shop, count, every)
    stored = [str(order_id) for (order_id,) in shop.sql("SELECT order_id FROM orders ORDER BY seq DESC")]
    found = await pages(buyer(shop), limit)
    assert [order["orderId"] for page in found for order in page] == stored
    assert all(len(page) <= limit for page in found)
    assert all(found[:-1])
    assert len(found) <= count // STRETCH + 1 + len(stored) // limit


async def test_several_currencies(shop: Shop) -> None:
    journal(shop, 1200, 3)
    journal(shop, 500, 2, "GEM", late=1)
    journal(shop, 2, 3, "TOKEN")
    stored = [str(order_id) for (order_id,) in shop.sql("SELECT order_id FROM orders ORDER BY paid_at DESC")]
    assert [order["orderId"] for page in await pages(buyer(shop), 30) for order in page] == stored


@pytest.mark.parametrize("credits_above", [1050, 70_000])
async def test_an_order_below_more_credits_than_a_stretch_is_on_the_first_page(shop: Shop, credits_above: int) -> None:
    """For its owner and for the operators: a page is empty only at the end."""
    journal(shop, credits_above + 1, credits_above + 1, rest=1)
    [[order_id]] = shop.sql("SELECT order_id FROM orders")
    operator = await api_key(shop, "orders:read")
    own = await pages(buyer(shop), 20)
    operators = await walked(
        lambda cursor: shop.http.get("/v1/admin/orders", params={"custId": "ann"} | cursor, headers=operator)
    )
    assert [order["orderId"] for order in own[0]] == [order["orderId"] for order in operators[0]] == [str(order_id)]


async def test_none(shop: Shop) -> None:
    assert await pages(buyer(shop), 10) == [[]]


@pytest.mark.parametrize("cursor", ["QkVMTA", "QkVMTDotMQ", "QkVMTDo5OTk5OTk5OTk5OTk", "QkVMTDp4"])
async def test_a_cursor_of_somebody_s_own_making(shop: Shop, cursor: str) -> None:
    """`BELL`, `BELL:-1`, `BELL:99999999999`, `BELL:x`."""
    for path in ("/v1/orders", "/v1/wallet/entries"):
        answer = await buyer(shop).get(path, cursor=cursor)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
