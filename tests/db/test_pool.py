"""Connections of a pool, as whoever borrowed them before has left them."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest

from lingdang.db import pool
from lingdang.db.pool import Pool, fetch_all, transaction
from lingdang.errors import Problem
from lingdang.owner import fetch_as
from support.customers import owner_of


@pytest.fixture
async def single(database_url: str) -> AsyncIterator[Pool]:
    """A pool of one connection."""
    pool = Pool(database_url, 1, pgbouncer=False)
    await pool.open()
    yield pool
    await pool.close()


async def test_a_connection_that_was_left_in_a_pipeline_is_not_lent_again(single: Pool) -> None:
    async with single.connection() as connection:
        await connection.pipeline().__aenter__()  # whoever is cancelled here leaves no trace but this
    async with single.connection() as other:
        assert other is not connection
    assert await fetch_all(single, "SELECT 'here'") == [("here",)]


async def test_no_cancellation_is_lost_while_a_connection_is_handed_over(single: Pool) -> None:
    """At each step of the event loop on the way, a task that is cancelled ends and gives back what it was given."""
    for steps in range(40):
        lent = await single.getconn()
        waiting = asyncio.create_task(single.getconn())
        await _steps(5)
        giving = asyncio.create_task(single.putconn(lent))
        await _steps(steps)
        came_too_late = waiting.done()
        waiting.cancel()
        await giving
        await asyncio.wait([waiting])
        assert waiting.cancelled() != came_too_late, f"after {steps} steps"
        if came_too_late:
            await single.putconn(waiting.result())
    assert await fetch_all(single, "SELECT 'here'") == [("here",)]


async def _steps(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_whoever_stops_in_a_transaction_keeps_no_lock(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one whose process is stopped: the database ends the session, and with it the lock."""
    monkeypatch.setattr(pool, "IDLE_SECONDS", 0.5)
    async with Pool(database_url, 2, pgbouncer=False) as lenders, lenders.connection() as stopped:
        await stopped.execute("BEGIN")
        await stopped.execute("SELECT pg_advisory_xact_lock(1)")
        async with transaction(lenders) as other:
            await other.execute("SELECT pg_advisory_xact_lock(1)")
        with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
            await stopped.execute("SELECT 1")


async def test_after_an_error_in_front_of_it_a_statement_is_prepared_again(database_url: str, single: Pool) -> None:
    """What the server skipped, because something in front of it failed, is not prepared there."""
    ann = owner_of("ann")
    for _ in range(2):
        assert await fetch_as(single, ann, "SELECT 'here'") == [("here",)]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE session_end RENAME TO elsewhere")
        with pytest.raises(psycopg.errors.UndefinedTable):
            await fetch_as(single, ann, "SELECT 'here'")
        connection.execute("ALTER TABLE elsewhere RENAME TO session_end")
    assert await fetch_all(single, "SELECT 'here'") == await fetch_as(single, ann, "SELECT 'here'") == [("here",)]


async def test_an_ended_session_costs_no_connection(database_url: str, single: Pool) -> None:
    ann = owner_of("ann")
    async with single.connection() as first:
        pass
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO session_end (bucket, customer, session_id, expires_at) VALUES (%s, %s, %s, now())",
            (ann.bucket, ann.customer, ann.session_id),
        )
    for _ in range(4):
        with pytest.raises(Problem) as refused:
            await fetch_as(single, ann, "SELECT 'here'")
        assert refused.value.code == "unauthenticated"
    async with single.connection() as other:
        assert other is first


async def test_a_connection_that_was_left_well_is_lent_again(single: Pool) -> None:
    async with single.connection() as connection, connection.pipeline():
        await connection.execute("SELECT 1")
    async with single.connection() as other:
        assert other is connection
