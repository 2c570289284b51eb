"""Orders are found among a journal's other transfers a stretch at a time, and none is missed or shown twice."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from lingdang.clock import system_clock
from lingdang.library import orders
from lingdang.owner import fetch_as
from lingdang.paging import to_cursor
from support.buyer import Buyer, buyer, give, stock
from support.customers import key_of
from support.people import api_key
from support.shop import Shop
from support.vouchers import differences

STRETCH = 1000
_JOURNAL = """
INSERT INTO transfer (bucket, customer, currency, seq, kind, amount, balance, at, position, accounts, amounts, cause,
                      detail)
SELECT 0, %s, (%s::text[])[1 + n %% %s], n, CASE WHEN o.paid THEN 'payment' ELSE 'credit' END, 0, 0,
       timestamptz '2026-01-01Z', n, '[]', '{}', gen_random_uuid(),
       CASE WHEN o.paid THEN '[[["book", "A book", null, 0, 0, 0]], []]' ELSE '{"creditId": "c"}' END::json
  FROM generate_series(1, %s) AS n, LATERAL (SELECT n %% %s = %s AS paid) o
"""
_WALLETS = """
INSERT INTO wallet (bucket, customer, currency, balance, seq, moved_at, lots, remaining)
SELECT bucket, customer, currency, 0, max(seq), max(at), '{}', '{}' FROM transfer GROUP BY 1, 2, 3
"""


def journal(shop: Shop, count: int, every: int, *currencies: str, rest: int = 0) -> None:
    """Ann's journal of `count` rows, of which each `every`th is an order, in one currency after the other."""
    named = list(currencies) or ["BELL"]
    shop.sql(_JOURNAL, (key_of("ann"), named, len(named), count, every, rest))
    shop.sql(_WALLETS)


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
    """They share one count, and a list follows it."""
    journal(shop, 1700, 3, "BELL", "GEM")
    stored = shop.sql("SELECT order_id, currency FROM orders ORDER BY seq DESC")
    found = [order for page in await pages(buyer(shop), 30) for order in page]
    assert [(order["orderId"], order["currency"]) for order in found] == [(str(i), name) for i, name in stored]
    assert {order["currency"] for order in found} == {"BELL", "GEM"}


async def test_a_newer_order_of_another_currency_moves_no_page(shop: Shop) -> None:
    """What comes between two pages comes above both."""
    journal(shop, 40, 2, "BELL", "BELL", "BELL", "GEM")
    ann = buyer(shop)
    whole = [order["orderId"] for order in (await ann.get("/v1/orders", limit=50)).json()["items"]]
    first = (await ann.get("/v1/orders", limit=7)).json()
    stock(shop, "free", price=0)
    assert (await ann.buy("free")).status_code == 200
    rest = (await ann.get("/v1/orders", limit=50, cursor=first["nextCursor"])).json()
    assert [order["orderId"] for order in first["items"] + rest["items"]] == whole


async def test_a_clock_set_back_leaves_the_order_as_it_was(shop: Shop) -> None:
    """Ann's newest row is of tomorrow: what she buys now is of tomorrow too, and newer."""
    tomorrow = system_clock().replace(microsecond=0) + timedelta(days=1)
    stock(shop, "book-1", "book-2")
    await give(shop, "ann", 500)
    ann = buyer(shop)
    assert (await ann.buy("book-1")).status_code == 200
    shop.sql("UPDATE transfer SET at = %s WHERE seq = 2", (tomorrow,))
    shop.sql("UPDATE wallet SET moved_at = %s", (tomorrow,))
    bought = (await ann.buy("book-2")).json()
    assert bought["paidAt"] == tomorrow.isoformat().replace("+00:00", "Z")
    for path, key, expected in (("/v1/orders", "balance", [300, 400]), ("/v1/wallet/entries", "seq", [3, 2, 1])):
        items = (await ann.get(path)).json()["items"]
        assert [item[key] for item in items] == expected
    assert differences(shop) == []


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


@pytest.mark.parametrize("seq", ["-1", "99999999999", "2147483648", "x", "1:2", "BELL:1", "\u0661"])
async def test_a_cursor_of_somebody_s_own_making(shop: Shop, seq: str) -> None:
    for path in ("/v1/orders", "/v1/wallet/entries"):
        answer = await buyer(shop).get(path, cursor=to_cursor(seq))
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("path", ["/v1/orders", "/v1/wallet/entries"])
async def test_a_cursor_before_the_first_row_and_after_the_last(shop: Shop, path: str) -> None:
    """Of the right shape, though no page ended there: below is nothing, above is the beginning."""
    journal(shop, 3, 1)
    ann = buyer(shop)
    whole = (await ann.get(path)).json()
    assert len(whole["items"]) == 3
    for seq in ("0", "1"):
        assert (await ann.get(path, cursor=to_cursor(seq))).json() == {"items": [], "nextCursor": None}
    assert (await ann.get(path, cursor=to_cursor("2147483647"))).json() == whole


async def test_a_cursor_far_above_the_newest_row_costs_one_look(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers that no row has are not looked through, however many a cursor of somebody's own making says."""
    journal(shop, 3, 1)
    looks = []

    async def counted(*asked: Any) -> list[tuple[Any, ...]]:
        looks.append(asked)
        return await fetch_as(*asked)

    monkeypatch.setattr(orders, "fetch_as", counted)
    answer = (await buyer(shop).get("/v1/orders", cursor=to_cursor("2147483647"))).json()
    assert (len(answer["items"]), len(looks)) == (3, 1)
