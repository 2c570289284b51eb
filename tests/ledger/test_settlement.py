"""The settlement on a real database: durable once answered, once only, all or nothing."""

import asyncio

import msgspec
import psycopg
import pytest

from lingdang.errors import Problem
from lingdang.ids import uuid7
from lingdang.ledger.paying import Order, Pay
from support.customers import key_of
from support.money import add_products, credit, line, open_settlement, pay


def rows(database_url: str, sql: str) -> list[tuple[object, ...]]:
    with psycopg.connect(database_url) as connection:
        return connection.execute(sql).fetchall()


async def test_pays_once(database_url: str) -> None:
    add_products(database_url, "a", "b")
    async with open_settlement(database_url) as settlement:
        await settlement.submit(credit("ann", 500))
        command = pay("ann", line("a", 100, 30), line("b", 50, publisher="Orbit"))
        first = await settlement.submit(command)
        again = await asyncio.gather(*(settlement.submit(command) for _ in range(64)))
    assert isinstance(first.record, Order)
    assert first.record.balance == 380
    assert not first.replayed
    assert all(done.replayed and done.record == first.record for done in again)
    assert rows(database_url, "SELECT balance, seq, lots, remaining FROM wallet") == [(380, 2, ["paid"], [380])]
    assert rows(database_url, "SELECT accounts, amounts FROM transfer WHERE kind = 'payment'") == [
        (["wallet:paid", 0, 1, "discount"], [-120, 100, 50, -30])
    ]
    assert rows(database_url, "SELECT product_id FROM entitlement ORDER BY 1") == [("a",), ("b",)]


async def test_parallel_payments_stop_at_the_money(database_url: str) -> None:
    ids = [f"p{i}" for i in range(200)]
    add_products(database_url, *ids)
    async with open_settlement(database_url) as one, open_settlement(database_url) as two:
        await one.submit(credit("ann", 100 * 100))
        commands = [pay("ann", line(i)) for i in ids]
        answers = await asyncio.gather(
            *((one, two)[n % 2].submit(c) for n, c in enumerate(commands)), return_exceptions=True
        )
    paid = [a for a in answers if not isinstance(a, BaseException)]
    refused = [a for a in answers if isinstance(a, Problem)]
    assert (len(paid), len(refused)) == (100, 100)
    assert {p.code for p in refused} == {"insufficient_bells"}
    assert rows(database_url, "SELECT balance, seq FROM wallet") == [(0, 101)]
    assert rows(database_url, "SELECT count(*) FROM orders") == [(100,)]
    assert rows(database_url, "SELECT count(*) FROM entitlement") == [(100,)]


async def test_poison_is_refused_alone(database_url: str) -> None:
    add_products(database_url, "a")
    async with open_settlement(database_url) as settlement:
        await asyncio.gather(*(settlement.submit(credit(f"c{i}", 500)) for i in range(20)))
        good: list[Pay] = [pay(f"c{i}", line("a")) for i in range(20)]
        poison = pay("c7", line("a\0"), order_id=uuid7())
        answers = await asyncio.gather(
            *(settlement.submit(c) for c in [*good[:7], poison, *good[7:]]), return_exceptions=True
        )
    refused = answers.pop(7)
    assert isinstance(refused, Problem)
    assert refused.code == "internal_error"
    assert not any(isinstance(a, BaseException) for a in answers)
    assert rows(database_url, "SELECT count(*), sum(balance) FROM wallet") == [(20, 20 * 400)]


async def test_a_command_that_breaks_the_rules_themselves_is_refused_alone(database_url: str) -> None:
    add_products(database_url, "a")
    async with open_settlement(database_url) as settlement:
        await asyncio.gather(*(settlement.submit(credit(f"c{i}", 500)) for i in range(6)))
        good: list[Pay] = [pay(f"c{i}", line("a")) for i in range(6)]
        broken = msgspec.structs.replace(good[3], lines=("not a line",))
        answers = await asyncio.gather(*(settlement.submit(c) for c in [broken, *good]), return_exceptions=True)
    refused = answers.pop(0)
    assert isinstance(refused, Problem)
    assert refused.code == "internal_error"
    assert not any(isinstance(a, BaseException) for a in answers)
    assert rows(database_url, "SELECT count(*), sum(balance) FROM wallet") == [(6, 6 * 400)]


@pytest.mark.parametrize(
    "lock",
    [
        pytest.param(f"SELECT pg_advisory_xact_lock({key_of('ann')})", id="by another worker"),
        pytest.param(f"SELECT 1 FROM wallet WHERE customer = {key_of('ann')} FOR UPDATE", id="by hand"),
    ],
)
async def test_a_locked_wallet_keeps_only_its_owner_waiting(database_url: str, lock: str) -> None:
    async with open_settlement(database_url) as settlement:
        await asyncio.gather(*(settlement.submit(credit(name, 1)) for name in ("ann", "bob")))
        with psycopg.connect(database_url) as holder:
            holder.execute(lock.encode())
            answers = await asyncio.gather(
                *(settlement.submit(credit(name, 1)) for name in ("ann", "bob")), return_exceptions=True
            )
            holder.rollback()
        assert isinstance(answers[0], Problem)
        assert answers[0].code == "overloaded"
        assert not isinstance(answers[1], BaseException)
    assert rows(database_url, "SELECT balance FROM wallet JOIN customer USING (customer) ORDER BY customer_id") == [
        (1,),
        (2,),
    ]


@pytest.mark.parametrize("workers", [1, 2])
async def test_new_wallets_race(database_url: str, workers: int) -> None:
    async with open_settlement(database_url) as one, open_settlement(database_url) as two:
        lanes = (one, two)[:workers]
        await asyncio.gather(*(lanes[n % workers].submit(credit("new", 10)) for n in range(40)))
    assert rows(database_url, "SELECT balance, seq FROM wallet") == [(400, 40)]
