"""Statements in one flush: values arrive as they are, failures stop what follows, the connection stays usable."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lingdang.db.flush import first_of, flush, numbered
from lingdang.db.pool import Connection, Pool, connect_options, fetch_all, transaction
from lingdang.errors import Problem

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=40)


@pytest.fixture(params=[False, True], ids=["prepared", "behind PgBouncer"])
async def connection(database_url: str, request: pytest.FixtureRequest) -> AsyncIterator[Connection]:
    opened = await Connection.connect(database_url, **connect_options(request.param))
    yield opened
    await opened.close()


def test_placeholders_are_numbered() -> None:
    assert numbered("SELECT %b::int, %b") == b"SELECT $1::int, $2"
    assert numbered("COMMIT") == b"COMMIT"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("text", "a'b\"c\\d{},NULL 铃铛\n"),
        ("text[]", ["", "NULL", 'a"b', "a\\b", "{x,y}", " 铃 ", "'"]),
        ("bigint[]", [0, -1, 2**63 - 1]),
        ("boolean[]", [True, False]),
        ("uuid[]", [UUID(int=7)]),
        ("timestamptz[]", [None, datetime(2026, 11, 23, 8, 0, 0, 123000, UTC)]),
        ("timestamptz", datetime(1, 1, 1, tzinfo=UTC)),
        ("text[]", []),
        ("bigint", None),
    ],
)
async def test_values_arrive_as_they_are(connection: Connection, kind: str, value: Any) -> None:
    for _ in range(2):
        await flush(connection, (b"CREATE TEMP TABLE IF NOT EXISTS kept (value " + kind.encode() + b")", ()))
        await flush(connection, (b"INSERT INTO kept SELECT $1::" + kind.encode(), (value,)))
    rows = await (await connection.execute("SELECT value FROM kept")).fetchall()
    assert rows == [(value,), (value,)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(texts=st.lists(TEXT, min_size=1, max_size=8))
def test_any_text_survives(postgres: str, texts: list[str]) -> None:
    async def there_and_back() -> None:
        async with await Connection.connect(postgres, **connect_options(False)) as connection:
            [answer] = await flush(connection, (b"SELECT to_json($1::text[])", (texts,)))
            assert json.loads(answer or b"") == texts

    asyncio.new_event_loop().run_until_complete(there_and_back())


async def test_nul_is_refused_before_anything_is_sent(connection: Connection) -> None:
    with pytest.raises(psycopg.DataError):
        await flush(connection, (b"SELECT $1::text[]", (["a\0b"],)))
    assert await flush(connection, (b"SELECT 1", ())) == [b"1"]


async def test_nothing_runs_after_a_failure_and_the_connection_goes_on(connection: Connection) -> None:
    await connection.execute("CREATE TEMP TABLE kept (n int PRIMARY KEY)")
    with pytest.raises(psycopg.errors.UniqueViolation):
        await flush(
            connection,
            (b"BEGIN", ()),
            (b"INSERT INTO kept VALUES (1)", ()),
            (b"INSERT INTO kept VALUES ($1::int)", (1,)),
            (b"COMMIT", ()),
        )
    await connection.rollback()
    assert await flush(connection, (b"SELECT count(*) FROM kept", ())) == [b"0"]
    assert await flush(connection, (b"INSERT INTO kept VALUES ($1::int)", (1,)), (b"SELECT 2", ())) == [None, b"2"]


async def test_a_large_flush_both_ways(connection: Connection) -> None:
    texts = ["x" * 1000] * 5000
    answers = await flush(
        connection,
        (b"SELECT array_to_string($1::text[], '')", (texts,)),
        (b"SELECT cardinality($1::text[])", (texts,)),
    )
    assert answers == [b"x" * 5_000_000, b"5000"]


async def test_a_broken_connection_is_an_operational_error(connection: Connection, database_url: str) -> None:
    pid = connection.info.backend_pid
    with psycopg.connect(database_url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", (pid,))
    with pytest.raises(psycopg.OperationalError):
        await flush(connection, (b"SELECT pg_sleep(1)", ()))


@pytest.mark.parametrize("shared", [False, True], ids=["own", "behind PgBouncer"])
async def test_the_first_value_of_one_statement_within_the_pool_s_limit(database_url: str, shared: bool) -> None:
    async with Pool(database_url, 1, shared, statement_seconds=7) as pool:
        limit = numbered("SELECT current_setting('statement_timeout')")
        assert await first_of(pool, limit, []) == b"7s"
        assert await first_of(pool, numbered("SELECT %b::int + 1"), [1]) == b"2"
        assert await first_of(pool, numbered("SELECT 1 WHERE %b"), [False]) is None
        async with pool.connection() as connection:
            found = await (await connection.execute("SELECT current_setting('statement_timeout')")).fetchall()
        assert found == [("0" if shared else "7s",)], "whoever is lent the connection next has a limit of their own"


async def test_a_rollback_leaves_what_was_prepared(database_url: str) -> None:
    """psycopg has every statement of a connection deallocated after one, those of a flush too."""
    async with Pool(database_url, 1, False) as pool:
        for _ in range(2):
            assert await first_of(pool, b"SELECT $1::int", (7,)) == b"7"
            for _ in range(4):  # until psycopg prepares something itself
                await fetch_all(pool, "SELECT %b::int", (1,))
            with pytest.raises(Problem, match="not_found"):
                async with transaction(pool):
                    raise Problem("not_found")
        assert await first_of(pool, b"SELECT $1::int", (8,)) == b"8"
