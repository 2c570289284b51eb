"""Connections to PostgreSQL, and queries on a customer's behalf that an ended session cannot make."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import structlog
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from lingdang.db.deadline import breaks_after
from lingdang.errors import retry_later, session_ended

Connection = psycopg.AsyncConnection[TupleRow]

_log = structlog.get_logger(__name__)

AWAY = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout)
"""What psycopg raises when the database cannot be reached or went away."""

_ANSWER_SECONDS = 15.0
"""A database that has not answered a request's statements by then counts as away."""

_STOPPED_RETRY_SECONDS = 5
"""After how long whoever asked what took too long may ask again."""

# A statement of the pool's takes one core: that as many run as there are connections is what the pool promises.
_LIMIT = "SELECT set_config('statement_timeout', %b, %b), set_config('max_parallel_workers_per_gather', '0', %b)"
_ENDED = "SELECT 1 FROM session_end WHERE bucket = %b AND customer = %b AND session_id = %b"


class Owner(msgspec.Struct, frozen=True, gc=False):
    """Whose rows a query touches, and in which session it is made."""

    bucket: int
    customer: int
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


class Pool(AsyncConnectionPool[Connection]):
    """A pool that is not yet open, of up to `size` connections.

    At most `waiting` calls wait for one, for up to `wait_seconds`; PostgreSQL stops a statement that takes longer than
    `statement_seconds`. Both are answered with Problem `overloaded`.
    """

    def __init__(
        self,
        url: str,
        size: int,
        pgbouncer: bool,
        *,
        name: str = "lingdang",
        waiting: int = 1000,
        wait_seconds: float = 5.0,
        statement_seconds: float = _ANSWER_SECONDS,
    ) -> None:
        self._milliseconds = str(round(statement_seconds * 1000))
        self._shared = pgbouncer
        super().__init__(
            url,
            min_size=1,
            max_size=size,
            open=False,
            timeout=wait_seconds,
            max_waiting=waiting,
            kwargs=connect_options(pgbouncer),
            configure=None if pgbouncer else self._limit_connection,
            reset=_refuse_open_pipeline,
            check=None,
            name=name,
        )

    async def _limit_connection(self, connection: Connection) -> None:
        await connection.execute(_LIMIT, (self._milliseconds, False, False))

    async def limit_transaction(self, connection: Connection) -> None:
        """Limit the statements of the transaction that has begun, where PgBouncer would give a connection's own
        limit to whoever is given the connection next."""
        if self._shared:
            await connection.execute(_LIMIT, (self._milliseconds, True, True))

    def flush(self, connection: Connection) -> AbstractAsyncContextManager[object]:
        """A block of one statement, which behind PgBouncer is sent together with its limit."""
        return connection.pipeline() if self._shared else nullcontext()


async def _refuse_open_pipeline(connection: Connection) -> None:
    """Who is cancelled at the wrong moment leaves a pipeline open, in which the next statement has no answer: such a
    connection is not lent again. Raises psycopg.InterfaceError, for which the pool closes it."""
    if connection.pgconn.pipeline_status:
        raise psycopg.InterfaceError("returned in the middle of a pipeline")


def make_pool(url: str, size: int, pgbouncer: bool) -> Pool:
    """A pool for one purpose, as a command has it; the server's are in lingdang.db.bulkheads."""
    return Pool(url, size, pgbouncer)


async def fetch_all(pool: Pool, sql: str, params: Sequence[Any] = ()) -> list[TupleRow]:
    """One statement's rows, as its own transaction. Raises Problem `overloaded` when the database is away."""
    async with _connection(pool) as connection:
        async with pool.flush(connection):
            await pool.limit_transaction(connection)
            cursor = await connection.execute(sql, params, binary=True)
        return await cursor.fetchall() if cursor.description else []


async def fetch_as(pool: Pool, owner: Owner, sql: str, params: Sequence[Any] = ()) -> list[TupleRow]:
    """A customer's reading statement. The session's end is asked for in the same flush, at no round trip.

    Raises Problem `unauthenticated` when the session has ended, `overloaded` when the database is away.
    """
    async with _connection(pool) as connection, connection.pipeline():
        await pool.limit_transaction(connection)
        ended = await connection.execute(_ENDED, (owner.bucket, owner.customer, owner.session_id))
        cursor = await connection.execute(sql, params, binary=True)
        if await ended.fetchone() is not None:
            raise session_ended()
        return await cursor.fetchall()


@asynccontextmanager
async def transaction_as(pool: Pool, owner: Owner) -> AsyncIterator[Connection]:
    """A customer's transaction, refused at its start when the session has ended. Raises as `fetch_as`."""
    async with _connection(pool) as connection, connection.transaction():
        await pool.limit_transaction(connection)
        await refuse_ended(connection, owner)
        yield connection


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Connection]:
    """A transaction of the operators' or the application's own."""
    async with _connection(pool) as connection, connection.transaction():
        await pool.limit_transaction(connection)
        yield connection


async def refuse_ended(connection: Connection, owner: Owner) -> None:
    """Raises Problem `unauthenticated` when the owner's session has ended."""
    ended = await connection.execute(_ENDED, (owner.bucket, owner.customer, owner.session_id))
    if await ended.fetchone() is not None:
        raise session_ended()


@asynccontextmanager
async def _connection(pool: Pool) -> AsyncIterator[Connection]:
    try:
        async with pool.connection() as connection:
            with breaks_after(connection, _ANSWER_SECONDS):
                yield connection
    except psycopg.errors.QueryCanceled as error:
        _log.warning("statement_stopped", pool=pool.name)
        raise retry_later("overloaded", _STOPPED_RETRY_SECONDS) from error
    except AWAY as error:
        raise retry_later("overloaded", 1) from error
