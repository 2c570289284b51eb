"""A payment's products are as the catalogue has them now, whatever its worker has read before."""

import asyncio
from datetime import timedelta

import psycopg
import pytest

from lingdang.clock import system_clock
from lingdang.errors import Problem
from lingdang.ledger.settlement import Settlement
from support.customers import key_of
from support.money import add_products, credit, line, open_settlement, pay
from support.tabs import until


def products(database_url: str, *changes: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        for change in changes:
            connection.execute(change.encode())


WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'
"""
BOOKS = [f"book-{number}" for number in range(1, 10)]


async def outcome(settlement: Settlement, *product_ids: str) -> str:
    try:
        await settlement.submit(pay("ann", *(line(product_id) for product_id in product_ids)))
    except Problem as problem:
        return f"{problem.code} {problem.members.get('productIds')}"
    return "paid"


@pytest.mark.parametrize(
    "withdrawal",
    [
        "UPDATE product SET status = 'withdrawn' WHERE product_id <> 'book-1'",
        "UPDATE product SET on_sale_until = now() - interval '1 second' WHERE product_id <> 'book-1'",
        "UPDATE product SET on_sale_from = now() + interval '1 day' WHERE product_id <> 'book-1'",
        "DELETE FROM product WHERE product_id <> 'book-1'",
        "TRUNCATE product",
    ],
)
async def test_a_withdrawn_product_is_seen_by_every_worker(database_url: str, withdrawal: str) -> None:
    add_products(database_url, *BOOKS)
    async with open_settlement(database_url) as one, open_settlement(database_url) as two:
        await one.submit(credit("ann", 1000))
        for number, settlement in enumerate((one, two)):  # so that both know book-3 to book-9
            for product_id in (f"book-{3 + number}", f"book-{5 + number}"):
                assert await outcome(settlement, product_id) == "paid"
        products(database_url, withdrawal)
        for settlement in (one, two):
            assert await outcome(settlement, "book-3", "book-4") == "product_unavailable ['book-3', 'book-4']"
            assert await outcome(settlement, "book-2") == "product_unavailable ['book-2']"
        products(database_url, "DELETE FROM product")
        add_products(database_url, *BOOKS)
        assert await outcome(one, "book-2") == await outcome(two, "book-1") == "paid"


async def test_a_withdrawal_under_way_is_none_until_it_is_committed(database_url: str) -> None:
    add_products(database_url, *BOOKS)
    async with open_settlement(database_url) as settlement:
        await settlement.submit(credit("ann", 1000))
        assert await outcome(settlement, "book-1") == "paid"
        with psycopg.connect(database_url) as seller:
            seller.execute("UPDATE product SET status = 'withdrawn'")
            assert await outcome(settlement, "book-2") == "paid"
            seller.commit()
        assert await outcome(settlement, "book-3") == "product_unavailable ['book-3']"


async def test_a_sale_that_ends_is_looked_at_each_time(database_url: str) -> None:
    add_products(database_url, *BOOKS)
    end = (system_clock() + timedelta(hours=1)).isoformat()
    products(database_url, f"UPDATE product SET on_sale_until = '{end}'")
    ahead = timedelta(0)
    async with open_settlement(database_url, clock=lambda: system_clock() + ahead) as settlement:
        await settlement.submit(credit("ann", 1000))
        assert await outcome(settlement, "book-1") == "paid"
        refused = pay("ann", line("book-1"), line("book-2"), expires_at=system_clock() + timedelta(hours=9))
        ahead = timedelta(hours=2)
        with pytest.raises(Problem) as problem:
            await settlement.submit(refused)
        assert problem.value.code == "product_unavailable"


async def test_a_sale_that_ends_while_its_payment_waits_is_over(database_url: str) -> None:
    """The lock of a customer can be held for seconds: what counts is the moment at which the payment has it."""
    add_products(database_url, *BOOKS)
    end = (system_clock() + timedelta(hours=1)).isoformat()
    products(database_url, f"UPDATE product SET on_sale_until = '{end}'")
    ahead = timedelta(0)
    async with open_settlement(database_url, clock=lambda: system_clock() + ahead) as settlement:
        await settlement.submit(credit("ann", 1000))
        late = pay("ann", line("book-1"), expires_at=system_clock() + timedelta(hours=9))
        with psycopg.connect(database_url) as holder:
            holder.execute("SELECT pg_advisory_xact_lock(%s)", (key_of("ann"),))
            paying = asyncio.create_task(settlement.submit(late))
            with psycopg.connect(database_url, autocommit=True) as watcher:
                await until(lambda: watcher.execute(WAITING).fetchone() != (0,))
            ahead = timedelta(hours=2)
            holder.commit()
        with pytest.raises(Problem) as problem:
            await paying
        assert problem.value.code == "product_unavailable"


async def test_a_withdrawal_that_is_replayed_from_elsewhere_is_seen(database_url: str) -> None:
    add_products(database_url, *BOOKS)
    async with open_settlement(database_url) as settlement:
        await settlement.submit(credit("ann", 1000))
        assert await outcome(settlement, "book-1") == "paid"
        products(database_url, "SET session_replication_role = replica", "UPDATE product SET status = 'withdrawn'")
        assert await outcome(settlement, "book-2") == "product_unavailable ['book-2']"
