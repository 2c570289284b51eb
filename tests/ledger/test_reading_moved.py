"""What a customer is told of a top-up's bells: those that paid a debt, those that were taken back, those then owed."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from lingdang.db.pool import Pool
from lingdang.ledger.reading_moved import TopUpMoved, moved_of
from support.customers import key_of
from support.ledger import take_back, topup
from support.money import add_products, line, open_settlement, pay

ANN = key_of("ann")


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with Pool(database_url, 1, pgbouncer=False) as opened:
        yield opened


async def moved(pool: Pool, number: int = 1, customer: int = ANN) -> tuple[int, int, int, int]:
    found = await moved_of(pool, 0, customer, UUID(int=number))
    assert isinstance(found, TopUpMoved)
    return found.debt_paid, found.taken, found.owed, found.frozen


async def test_what_was_spent_is_owed_and_the_next_top_up_pays_it(database_url: str, pool: Pool) -> None:
    add_products(database_url, "a")
    async with open_settlement(database_url) as settlement:
        await settlement.submit(topup(1, 100, customer=ANN))
        assert await moved(pool) == (0, 0, 0, 0)
        await settlement.submit(pay("ann", line("a", 70)))
        await settlement.submit(take_back(1, 100, customer=ANN))
        assert await moved(pool) == (0, 100, 70, 0)
        await settlement.submit(topup(2, 50, customer=ANN))
        await settlement.submit(topup(3, 50, customer=ANN))
        assert await moved(pool, 2) == (50, 0, 0, 0)
        assert await moved(pool, 3) == (20, 0, 0, 0)
        assert await moved(pool) == (0, 100, 70, 0), "what became of the debt is not the top-up's"


async def test_what_comes_back_is_taken_no_more(database_url: str, pool: Pool) -> None:
    add_products(database_url, "a")
    async with open_settlement(database_url) as settlement:
        await settlement.submit(topup(1, 100, customer=ANN))
        await settlement.submit(topup(2, 10, customer=ANN))
        await settlement.submit(pay("ann", line("a", 70)))
        await settlement.submit(take_back(1, 100, customer=ANN))
        await settlement.submit(take_back(2, 10, customer=ANN))
        assert await moved(pool) == (0, 100, 60, 0), "40 were there: 10 of them the other top-up's"
        assert await moved(pool, 2) == (0, 10, 10, 0)
        await settlement.submit(take_back(1, 40, customer=ANN))
        assert await moved(pool) == (0, 40, 0, 0)


async def test_what_a_dispute_holds_is_frozen(database_url: str, pool: Pool) -> None:
    async with open_settlement(database_url) as settlement:
        await settlement.submit(topup(1, 100, customer=ANN))
        await settlement.submit(take_back(1, 20, 80, customer=ANN))
        assert await moved(pool) == (0, 20, 0, 80)


async def test_nothing_is_told_of_what_was_not_credited(database_url: str, pool: Pool) -> None:
    async with open_settlement(database_url) as settlement:
        await settlement.submit(topup(1, 100, customer=ANN))
    assert await moved_of(pool, 0, ANN, UUID(int=2)) is None
    assert await moved_of(pool, 0, key_of("bob"), UUID(int=1)) is None
