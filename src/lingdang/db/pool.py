"""Connections to PostgreSQL, a pool for each purpose."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import cached_property
from typing import Any

import psycopg
import structlog
from psycopg.abc import PQGen
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from lingdang.db.deadline import breaks_after
from lingdang.db.failures import AWAY, overloaded, was_stopped

_log = structlog.get_logger(__name__)

_ANSWER_SECONDS = 15.0
"""A database that has not answered a request's statements by then counts as away."""

IDLE_SECONDS = 20.0
"""Whoever is stopped, or vanishes with its machine, in the middle of a transaction keeps no lock for longer."""

# A statement of the pool's takes one core: that as many run as there are connections is what the pool promises.
_LIMIT = """
SELECT set_config('statement_timeout', %b, %b), set_config('max_parallel_workers_per_gather', '0', %b),
       set_config('idle_in_transaction_session_timeout', %b, %b)
"""


class Connection(psycopg.AsyncConnection[TupleRow]):
    """A connection, with the names of what lingdang.db.flush has prepared on it, beside psycopg's own."""

    @cached_property
    def flushed(self) -> dict[bytes, bytes]:
        """The name of each statement, by its SQL."""
        return {}

    def _deallocate(self, name: bytes | None) -> PQGen[None]:
        """After a rollback psycopg has all statements of the connection deallocated, and not its own alone."""
        if name is None:
            self.flushed.clear()
        return super()._deallocate(name)


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
        self._limits = (_milliseconds(statement_seconds), _milliseconds(IDLE_SECONDS))
        self._shared = pgbouncer
        super().__init__(
            url,
            min_size=1,
            max_size=size,
            open=False,
            timeout=wait_seconds,
            max_waiting=waiting,
            connection_class=Connection,
            kwargs=connect_options(pgbouncer),
            configure=None if pgbouncer else self._limit_connection,
            reset=_refuse_open_pipeline,
            check=None,
            name=name,
        )

    async def getconn(self, timeout: float | None = None) -> Connection:  # noqa: ASYNC109 - as the library has it
        """A connection. Raises CancelledError also where the task was cancelled while one was handed over.

        Up to Python 3.11 `asyncio.wait_for`, by which the library waits, loses a cancellation that comes in that
        moment: the task would go on for ever, and whoever waits for its end with it.
        """
        task = asyncio.current_task()
        asked_before = task.cancelling() if task else 0
        connection = await super().getconn(timeout)
        if task and task.cancelling() > asked_before:
            await self.putconn(connection)
            raise asyncio.CancelledError
        return connection

    async def _limit_connection(self, connection: Connection) -> None:
        await self._set_limits(connection, of_transaction=False)

    async def limit_transaction(self, connection: Connection) -> None:
        """Limit the statements of the transaction that has begun, where PgBouncer would give a connection's own
        limit to whoever is given the connection next."""
        if self._shared:
            await self._set_limits(connection, of_transaction=True)

    async def _set_limits(self, connection: Connection, *, of_transaction: bool) -> None:
        await connection.execute(*self._limit(of_transaction))

    def limits(self) -> list[tuple[str, Sequence[Any]]]:
        """What is asked before a statement, in its transaction, where PgBouncer lends the connection."""
        return [self._limit(of_transaction=True)] if self._shared else []

    def _limit(self, of_transaction: bool) -> tuple[str, Sequence[Any]]:
        statement, idle = self._limits
        return _LIMIT, (statement, of_transaction, of_transaction, idle, of_transaction)

    def flush(self, connection: Connection) -> AbstractAsyncContextManager[object]:
        """A block of one statement, which behind PgBouncer is sent together with its limit."""
        return together(connection) if self._shared else nullcontext()


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))


async def _refuse_open_pipeline(connection: Connection) -> None:
    """Who is cancelled at the wrong moment leaves a pipeline open, in which the next statement has no answer: such a
    connection is not lent again. Raises psycopg.InterfaceError, for which the pool closes it."""
    if connection.pgconn.pipeline_status:
        raise psycopg.InterfaceError("returned in the middle of a pipeline")


async def fetch_all(pool: Pool, sql: str, params: Sequence[Any] = ()) -> list[TupleRow]:
    """One statement's rows, as its own transaction. Raises Problem `overloaded` when the database is away."""
    async with connection_of(pool) as connection:
        async with pool.flush(connection):
            await pool.limit_transaction(connection)
            cursor = await connection.execute(sql, params, binary=True)
        return await cursor.fetchall() if cursor.description else []


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Connection]:
    """A transaction of the operators' or the application's own."""
    async with connection_of(pool) as connection, connection.transaction():
        await pool.limit_transaction(connection)
        yield connection


@asynccontextmanager
async def together(connection: Connection) -> AsyncIterator[None]:
    """A block whose statements are sent in one flush.

    The connection is closed when the block fails: after an error the server skips what comes behind it, and psycopg
    believes of a statement of these that it has been prepared. Every later use of it would fail.
    """
    try:
        async with connection.pipeline():
            yield
    except BaseException:
        await connection.close()
        raise


@asynccontextmanager
async def connection_of(pool: Pool) -> AsyncIterator[Connection]:
    """A connection, for as long as the block. Raises Problem `overloaded` when there is none, or it breaks."""
    try:
        async with pool.connection() as connection:
            with breaks_after(connection, _ANSWER_SECONDS):
                yield connection
    except AWAY as error:
        if was_stopped(error):
            _log.warning("statement_stopped", pool=pool.name)
        raise overloaded(error) from error
