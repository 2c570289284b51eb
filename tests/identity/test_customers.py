"""Customers by their ids: found in order, added once, and a new password ends what the old one opened."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from lingdang.clock import system_clock
from lingdang.db.pool import Pool
from lingdang.errors import Problem
from lingdang.identity import customers
from lingdang.identity.customers import (
    add_customer,
    customer_named,
    known_customers,
    make_known,
    set_groups,
)
from lingdang.identity.passwords import Passwords
from lingdang.ids import new_customer
from support.journal import sql

NOW = system_clock()


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with Pool(database_url, 4, pgbouncer=False) as opened:
        yield opened


async def test_they_are_found_in_the_order_asked_and_added_once(pool: Pool, database_url: str) -> None:
    made = await make_known(pool, ["ann", "bob"], NOW)
    assert [one.cust_id for one in made] == ["ann", "bob"]
    assert await known_customers(pool, ["bob", "ann", "bob"]) == [made[1], made[0], made[1]]
    assert (await make_known(pool, ["ann", "cat", "cat"], NOW))[0] == made[0]
    assert sql(database_url, "SELECT count(*) FROM customer") == [(3,)]


async def test_many_at_once_add_one_customer(pool: Pool, database_url: str) -> None:
    found = await asyncio.gather(*(customer_named(pool, "ann", True, NOW) for _ in range(12)))
    assert len({one.key for one in found}) == 1
    assert sql(database_url, "SELECT count(*) FROM customer") == [(1,)]


async def test_one_unknown_customer_refuses_all(pool: Pool, database_url: str) -> None:
    await make_known(pool, ["ann"], NOW)
    with pytest.raises(Problem) as refused:
        await known_customers(pool, ["ann", "x", "y"])
    assert (refused.value.code, refused.value.why) == ("not_found", "2 unknown customers, x among them")
    with pytest.raises(Problem, match="not_found"):
        await customer_named(pool, "x", False, NOW)
    assert sql(database_url, "SELECT count(*) FROM customer") == [(1,)]


async def test_a_key_that_is_taken_is_not_given_twice(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    [ann] = await make_known(pool, ["ann"], NOW)
    keys = iter([ann.key, ann.key, new_customer()])
    monkeypatch.setattr(customers, "new_customer", lambda: next(keys))
    [bob] = await make_known(pool, ["bob"], NOW)
    assert bob.key != ann.key


async def test_a_password_is_replaced_only_by_another_one(pool: Pool, database_url: str) -> None:
    passwords = Passwords(memory_kib=8, passes=1)

    async def add(password: str | None) -> bool:
        return (await add_customer(pool, passwords, 1, "ann", password, system_clock())).created

    def stored() -> object:
        return sql(database_url, "SELECT password_hash, password_changed_at FROM customer")[0]

    assert await add("first password")
    first = stored()
    assert not await add("first password")
    assert not await add(None)
    assert stored() == first
    sql(
        database_url,
        "INSERT INTO password_session (bucket, customer, session_id, expires_at)"
        " SELECT 0, customer, gen_random_uuid(), now() + interval '1 hour' FROM customer",
    )
    assert not await add("other password")
    assert stored() != first
    assert sql(database_url, "SELECT count(*) FROM session_end") == [(1,)]
    passwords.close()


async def test_groups_are_a_set(pool: Pool, database_url: str) -> None:
    [ann] = await make_known(pool, ["ann"], NOW)
    await set_groups(pool, ann, ["vip", "staff", "vip"])
    assert sql(database_url, "SELECT groups FROM customer") == [(["staff", "vip"],)]
    await set_groups(pool, ann, [])
    assert sql(database_url, "SELECT groups FROM customer") == [([],)]
