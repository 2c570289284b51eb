"""Connections to PostgreSQL, and queries on a customer's behalf that an ended session cannot make."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from lingdang.db.deadline import breaks_after
from lingdang.errors import retry_later, session_ended

Connection = psycopg.AsyncConnection[TupleRow]
Pool = AsyncConnectionPool[Connection]

AWAY = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout)
"""What psycopg raises when the database cannot be reached or went away."""

_ANSWER_SECONDS = 15.0
"""A database that has not answered a request's statements by then counts as away."""

_ENDED = "SELECT 1 FROM session_end WHERE bucket = %b AND customer_id = %b AND session_id = %b"


class Owner(msgspec.Struct, frozen=True, gc=False):
    """Whose rows a query touches, and in which session it is made."""

    bucket: int
    cust_id: str
    session_id: UUID


def connect_options(pgbouncer: bool) -> dict[str, Any]:
    """Keyword arguments of every connection. Behind PgBouncer nothing is prepared across transactions."""
    return {
        "autocommit": True,
        "prepare_threshold": None if pgbouncer else 2,
        "connect_timeout": 5,
        "application_name": "lingdang",
    }


def make_pool(url: str, size: int, pgbouncer: bool) -> Pool:
    """A pool that is not yet open."""
    return AsyncConnectionPool(
        url,
        min_size=min(2, size),
        max_size=size,
        open=False,
        timeout=5,
        max_waiting=1000,
        kwargs=connect_options(pgbouncer),
        check=None,
        name="lingdang",
    )


async def fetch_all(pool: Pool, sql: str, params: Sequence[Any] = ()) -> list[TupleRow]:
    """One statement's rows, as its own transaction. Raises Problem `overloaded` when the database is away."""
    async with _connection(pool) as connection:
        cursor = await connection.execute(sql, params, binary=True)
        return await cursor.fetchall() if cursor.description else []


async def fetch_as(pool: Pool, owner: Owner, sql: str, params: Sequence[Any] = ()) -> list[TupleRow]:
    """A customer's reading statement. The session's end is asked for in the same flush, at no round trip.

    Raises Problem `unauthenticated` when the session has ended, `overloaded` when the database is away.
    """
    async with _connection(pool) as connection, connection.pipeline():
        ended = await connection.execute(_ENDED, (owner.bucket, owner.cust_id, owner.session_id))
        cursor = await connection.execute(sql, params, binary=True)
        if await ended.fetchone() is not None:
            raise session_ended()
        return await cursor.fetchall()


@asynccontextmanager
async def transaction_as(pool: Pool, owner: Owner) -> AsyncIterator[Connection]:
    """A customer's transaction, refused at its start when the session has ended. Raises as `fetch_as`."""
    async with _connection(pool) as connection, connection.transaction():
        await refuse_ended(connection, owner)
        yield connection


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Connection]:
    """A transaction of the operators' or the application's own."""
    async with _connection(pool) as connection, connection.transaction():
        yield connection


async def refuse_ended(connection: Connection, owner: Owner) -> None:
    """Raises Problem `unauthenticated` when the owner's session has ended."""
    ended = await connection.execute(_ENDED, (owner.bucket, owner.cust_id, owner.session_id))
    if await ended.fetchone() is not None:
        raise session_ended()


@asynccontextmanager
async def _connection(pool: Pool) -> AsyncIterator[Connection]:
    try:
        async with pool.connection() as connection:
            with breaks_after(connection, _ANSWER_SECONDS):
                yield connection
    except AWAY as error:
        if isinstance(error, psycopg.errors.QueryCanceled):
            raise
        raise retry_later("overloaded", 1) from error
