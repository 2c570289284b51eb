"""Queries on behalf of a session: while it lives they run, and from its end on none does."""

from collections.abc import AsyncIterator

import pytest

from lingdang.db.pool import Pool
from lingdang.errors import Problem
from lingdang.owner import Owner, fetch_as, owner_named, refuse_ended, transaction_as
from support.customers import customer_of, owner_of
from support.journal import sql

ANN, BOB = owner_of("ann"), owner_of("bob")


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with Pool(database_url, 2, pgbouncer=False) as opened:
        yield opened


@pytest.fixture
def ended(database_url: str) -> Owner:
    """Ann, whose session has ended."""
    sql(
        database_url,
        "INSERT INTO session_end (bucket, customer, session_id, expires_at)"
        f" VALUES (0, {ANN.customer}, '{ANN.session_id}', now() + interval '1 hour')",
    )
    return ANN


async def test_a_living_session_reads_and_writes(pool: Pool) -> None:
    assert await fetch_as(pool, ANN, "SELECT %b::integer", (5,)) == [(5,)]
    async with transaction_as(pool, ANN) as connection:
        await connection.execute("CREATE TABLE noted AS SELECT 1 AS one")
    assert await fetch_as(pool, ANN, "SELECT one FROM noted") == [(1,)]


async def test_an_ended_one_is_refused_everywhere_and_nothing_is_kept(pool: Pool, ended: Owner) -> None:
    with pytest.raises(Problem, match="unauthenticated"):
        await fetch_as(pool, ended, "SELECT 1")
    entered = False
    with pytest.raises(Problem, match="unauthenticated"):
        async with transaction_as(pool, ended):
            entered = True
    assert not entered
    async with pool.connection() as connection:
        with pytest.raises(Problem, match="unauthenticated"):
            await refuse_ended(connection, ended)


@pytest.mark.usefixtures("ended")
async def test_it_ends_no_other_session(pool: Pool) -> None:
    for other in (BOB, Owner(1, ANN.customer, "ann", ANN.session_id), owner_of("ann")):
        assert await fetch_as(pool, other, "SELECT 1") == [(1,)]


@pytest.mark.usefixtures("ended")
async def test_who_asks_for_a_customer_needs_none_of_their_sessions(pool: Pool) -> None:
    asked_for = owner_named(customer_of("ann"), 1)
    assert (asked_for.bucket, asked_for.customer, asked_for.cust_id) == (ANN.bucket, ANN.customer, "ann")
    assert await fetch_as(pool, asked_for, "SELECT 1") == [(1,)]


async def test_what_fails_in_the_transaction_is_rolled_back(pool: Pool) -> None:
    async def work() -> None:
        async with transaction_as(pool, ANN) as connection:
            await connection.execute("CREATE TABLE noted (one integer)")
            raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        await work()
    assert await fetch_as(pool, ANN, "SELECT to_regclass('noted')") == [(None,)]
