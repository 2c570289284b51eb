"""What is left of a top-up, and taking it back, on a real database: beside payments, twice, and seen from outside."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import psycopg
import pytest

from lingdang.clock import system_clock
from lingdang.db.pool import Pool
from lingdang.errors import Problem
from lingdang.ledger.reading_left import TopUpLeft, left_of
from lingdang.ledger.reconcile import reconcile
from support.customers import key_of
from support.journal import sql
from support.ledger import take_back, topup
from support.money import add_products, credit, line, open_settlement, pay

ANN = key_of("ann")


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with Pool(database_url, 1, pgbouncer=False) as opened:
        yield opened


def differences(database_url: str) -> list[Any]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        return reconcile(connection).differences


async def stands(pool: Pool, number: int = 1, customer: int = ANN, days: int = 0) -> TopUpLeft | None:
    return await left_of(pool, customer, UUID(int=number), system_clock() + timedelta(days=days), buckets=1)


def told(found: TopUpLeft | None) -> tuple[Any, ...]:
    assert found is not None
    return found.left, found.left_lots, found.spent, found.frozen, found.taken, found.debt


async def test_how_a_top_up_stands(database_url: str, pool: Pool) -> None:
    add_products(database_url, "a")
    end = system_clock() + timedelta(days=30)
    async with open_settlement(database_url) as settlement:
        await settlement.submit(topup(1, 100, 10, ends=end, customer=ANN))
        await settlement.submit(topup(2, 100, customer=ANN))
        await settlement.submit(pay("ann", line("a", 50)))  # 10 of the bonus, 40 of the first
        first = await stands(pool)
        assert told(first) == (60, {"paid": 60}, 50, 0, 0, 0)
        assert first is not None
        assert first.left + first.spent + first.frozen + first.taken == first.topup.paid + first.topup.bonus
        assert told(await stands(pool, 2)) == (100, {"paid": 100}, 0, 0, 0, 0)
        await settlement.submit(take_back(1, 20, 50, customer=ANN))
        assert told(await stands(pool)) == (0, {}, 50, 38, 22, 0)
        await settlement.submit(take_back(2, 100, customer=ANN))
        assert told(await stands(pool, 2)) == (0, {}, 0, 0, 100, 0)
        await settlement.submit(take_back(1, 100, customer=ANN))
        assert told(await stands(pool)) == (0, {}, 0, 0, 110, 50)
    assert differences(database_url) == []


async def test_what_has_lapsed_is_not_left_though_nobody_booked_it_out(database_url: str, pool: Pool) -> None:
    async with open_settlement(database_url) as settlement:
        await settlement.submit(topup(1, 100, 10, ends=system_clock() + timedelta(days=30), customer=ANN))
    assert told(await stands(pool))[0] == 110
    assert told(await stands(pool, days=31)) == (100, {"paid": 100}, 10, 0, 0, 0)


async def test_nothing_is_told_of_what_was_not_credited(database_url: str, pool: Pool) -> None:
    async with open_settlement(database_url) as settlement:
        await settlement.submit(topup(1, 100, customer=ANN))
    assert await stands(pool, 2) is None
    assert await stands(pool, customer=key_of("bob")) is None


async def test_a_take_back_of_another_customers_top_up_finds_nothing(database_url: str) -> None:
    async with open_settlement(database_url) as settlement:
        await settlement.submit(topup(1, 100, customer=ANN))
        with pytest.raises(Problem) as refused:
            await settlement.submit(take_back(1, 100, customer=key_of("bob")))
    assert refused.value.code == "not_found"
    assert sql(database_url, "SELECT count(*) FROM transfer") == [(1,)]


@pytest.mark.parametrize("seed", range(3))
async def test_beside_payments_and_twice_from_two_workers(database_url: str, pool: Pool, seed: int) -> None:
    """Credits, payments and states of two top-ups in a random order, each at once by both: the last word holds."""
    random = Random(seed)
    ids = [f"p{number}" for number in range(60)]
    add_products(database_url, *ids)
    async with open_settlement(database_url) as one, open_settlement(database_url) as two:
        await asyncio.gather(one.submit(topup(1, 900, 90, customer=ANN)), two.submit(topup(2, 500, customer=ANN)))
        commands: list[Any] = [pay("ann", line(name, random.randint(0, 60))) for name in ids]
        commands += [credit("ann", random.randint(1, 90)) for _ in range(20)]
        commands += [
            take_back(number, random.randint(0, 900), random.randint(0, 900), customer=ANN)
            for number in (1, 2)
            for _ in range(20)
        ]
        random.shuffle(commands)
        answers = await asyncio.gather(
            *(worker.submit(command) for command in commands for worker in (one, two)), return_exceptions=True
        )
        codes = {each.code for each in answers if isinstance(each, Problem)}
        assert codes <= {"insufficient_bells", "wallet_in_debt"}
        assert all(isinstance(each, Problem) for each in answers if isinstance(each, BaseException))
        assert differences(database_url) == []
        for number, price in ((1, 900), (2, 500)):
            last = take_back(number, price, customer=ANN)
            await asyncio.gather(*(worker.submit(last) for worker in (one, two) for _ in range(4)))
    for number, whole in ((1, 990), (2, 500)):
        assert told(await stands(pool, number))[3:5] == (0, whole)
    assert differences(database_url) == []
    [(debt, balance)] = sql(database_url, "SELECT debt, balance FROM wallet")
    [(came, spent)] = sql(
        database_url,
        "SELECT sum(amount) FILTER (WHERE kind = 'credit') + sum(debt_paid(accounts, amounts)) FILTER"
        " (WHERE kind = 'credit'), -sum(amount) FILTER (WHERE kind = 'payment') FROM transfer",
    )
    assert balance - debt == came - spent


async def test_the_database_refuses_bells_beside_a_debt(database_url: str) -> None:
    async with open_settlement(database_url) as settlement:
        await settlement.submit(credit("ann", 5))
    with pytest.raises(psycopg.errors.CheckViolation, match="wallet_is_its_lots"):
        sql(database_url, "UPDATE wallet SET debt = 1")
