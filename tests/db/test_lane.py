"""A lane's own connection: kept, made anew when it broke, and work that may be repeated is done once more."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from lingdang.db.lane import Lane
from lingdang.db.pool import Connection
from lingdang.errors import Problem
from support.journal import sql


@pytest.fixture
async def lane(database_url: str) -> AsyncIterator[Lane]:
    made = Lane(database_url, pgbouncer=False, begin="SET application_name = 'lane'")
    yield made
    await made.close()


async def pid_of(connection: Connection) -> int:
    row = await (await connection.execute("SELECT pg_backend_pid()")).fetchone()
    assert row is not None
    return int(row[0])


async def test_one_connection_is_kept_and_begins_as_it_was_told(lane: Lane) -> None:
    first = await lane.twice(pid_of)
    assert await lane.twice(pid_of) == first
    name = await (await (await lane.connection()).execute("SHOW application_name")).fetchone()
    assert name == ("lane",)


async def test_a_connection_that_broke_is_made_anew_and_the_work_is_done_again(lane: Lane, database_url: str) -> None:
    first = await lane.twice(pid_of)
    sql(database_url, f"SELECT pg_terminate_backend({first})")
    assert await lane.twice(pid_of) != first


async def test_work_that_breaks_every_connection_is_done_twice_and_refused(lane: Lane, database_url: str) -> None:
    done = 0

    async def work(connection: Connection) -> None:
        nonlocal done
        done += 1
        sql(database_url, f"SELECT pg_terminate_backend({await pid_of(connection)})")
        await connection.execute("SELECT 1")

    with pytest.raises(Problem, match="overloaded"):
        await lane.twice(work)
    assert done == 2


async def test_an_error_of_the_statement_is_not_repeated(lane: Lane) -> None:
    done = 0

    async def work(connection: Connection) -> None:
        nonlocal done
        done += 1
        await connection.execute("SELECT 1 / 0")

    with pytest.raises(psycopg.errors.DivisionByZero):
        await lane.twice(work)
    assert done == 1


async def test_a_database_that_is_away_is_overloaded() -> None:
    away = Lane("postgresql://127.0.0.1:1/none", pgbouncer=False)
    with pytest.raises(Problem, match="overloaded"):
        await away.twice(pid_of)


async def test_a_connection_that_cannot_begin_is_not_kept(database_url: str) -> None:
    lane = Lane(database_url, pgbouncer=False, begin="SELECT no_such_function()")
    for _ in range(2):
        with pytest.raises(psycopg.errors.UndefinedFunction):
            await lane.connection()


async def test_no_transaction_lives_on_in_what_was_abandoned(lane: Lane) -> None:
    connection = await lane.connection()
    await connection.execute("BEGIN")
    await lane.abandon(connection)
    assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    await connection.close()
    await lane.abandon(connection)
    assert not (await lane.connection()).closed
