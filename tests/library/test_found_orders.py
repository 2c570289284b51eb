"""Orders of all customers are found a stretch at a time, by an index, and none is missed or shown twice."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from lingdang.clock import system_clock
from lingdang.db.pool import Pool
from lingdang.errors import Problem
from lingdang.ids import oldest_uuid7
from lingdang.library import found_orders
from lingdang.library.found_orders import Sought, _walk, find_orders
from lingdang.paging import Window, window
from support.customers import make_known
from support.journal import sql

NOW = system_clock()
_JOURNAL = """
INSERT INTO transfer (bucket, customer, currency, seq, kind, amount, balance, at, position, accounts, amounts, cause,
                      detail)
SELECT 0, %s, 'BELL', o.n, o.kind, 0, 0, o.at, o.n, '[]', '{}', o.cause, o.detail::json
  FROM unnest(%s::integer[], %s::text[], %s::timestamptz[], %s::uuid[], %s::text[]) AS o (n, kind, at, cause, detail)
"""


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with Pool(database_url, 1, pgbouncer=False) as opened:
        yield opened


def journal(database_url: str, count: int, rare: int, credits_between: int = 0) -> list[str]:
    """One customer's journal of `count` orders, a second apart; each `rare`th has the product `rare`. Returns those."""
    [customer] = make_known(database_url, "ann")
    rows: list[tuple[Any, ...]] = []
    wanted: list[str] = []
    for number in range(1, count + 1):
        at = NOW - timedelta(seconds=count - number)
        product = "rare" if number % rare == 0 else "common"
        cause = str(oldest_uuid7(at))
        rows.append((len(rows) + 1, "payment", at, cause, json.dumps([[[product, "T", None, 1, 1, 1]], []])))
        if product == "rare":
            wanted.append(cause)
        rows += [(len(rows) + n + 1, "credit", at, f"00{number:010}{n:020}", "{}") for n in range(credits_between)]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(_JOURNAL, (customer.key, *map(list, zip(*rows, strict=True))))
    return wanted[::-1]


async def walked(pool: Pool, sought: Sought, limit: int) -> list[list[str]]:
    pages: list[list[str]] = []
    after: str | None = None
    while True:
        page = await find_orders(pool, sought, Window(limit, after))
        pages.append([str(order.order_id) for order in page.items])
        if page.next_cursor is None:
            return pages
        after = window(None, page.next_cursor).after


@pytest.mark.parametrize(("count", "rare", "limit"), [(2500, 2400, 50), (2500, 700, 1), (1000, 1, 200), (3, 1, 3)])
async def test_every_one_once_and_no_page_empty(
    pool: Pool, database_url: str, count: int, rare: int, limit: int
) -> None:
    wanted = journal(database_url, count, rare)
    pages = await walked(pool, Sought(product_id="rare", offer_seconds=900), limit)
    assert [order_id for page in pages for order_id in page] == wanted
    assert all(pages[:-1])
    assert all(len(page) <= limit for page in pages)


async def test_credits_between_are_passed_over(pool: Pool, database_url: str) -> None:
    wanted = journal(database_url, 30, 3, credits_between=50)
    pages = await walked(pool, Sought(product_id="rare", offer_seconds=900), 4)
    assert [order_id for page in pages for order_id in page] == wanted


async def test_where_too_much_would_be_looked_at_a_shorter_period_is_asked_for(
    pool: Pool, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(found_orders, "MOST_LOOKED_AT", 1000)
    wanted = journal(database_url, 2500, 2500)
    nothing = Sought(product_id="none", offer_seconds=900)
    with pytest.raises(Problem, match="invalid_request") as refused:
        await find_orders(pool, nothing, Window(50, None))
    [error] = refused.value.members["errors"]
    assert (error["field"], "shorter period" in error["message"]) == ("from", True)
    seen = await find_orders(pool, Sought(product_id="rare", offer_seconds=900), Window(50, None))
    assert [str(order.order_id) for order in seen.items] == wanted


async def test_an_order_of_an_erased_customer_is_nobody_s(pool: Pool, database_url: str) -> None:
    wanted = journal(database_url, 1, 1)
    sql(database_url, "DELETE FROM customer")
    [order] = (await find_orders(pool, Sought(offer_seconds=900), Window(50, None))).items
    assert (str(order.order_id), order.cust_id) == (wanted[0], None)


@pytest.mark.parametrize(
    "sought",
    [
        Sought(offer_seconds=900),
        Sought(product_id="rare", status="partly_refunded", offer_seconds=900),
        Sought(since=NOW - timedelta(days=1), until=NOW, status="refunded", offer_seconds=900),
    ],
    ids=lambda sought: f"{sought.product_id}-{sought.status}",
)
async def test_no_table_is_read_from_end_to_end(database_url: str, sought: Sought) -> None:
    """As the database plans it where there are many orders."""
    journal(database_url, 20_000, 100)
    walk = _walk(sought)
    key = oldest_uuid7(NOW)
    parameters = (*walk.wanted, *walk.before, key, *walk.after, 1000, 51)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ANALYZE transfer")
        cursor = connection.execute(f"EXPLAIN {walk.sql}".encode(), parameters)
        plan = "\n".join(row[0] for row in cursor)
    assert "transfer_cause" in plan
    assert "Seq Scan on transfer" not in plan
