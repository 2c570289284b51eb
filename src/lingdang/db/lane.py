"""A lane's own connection: kept open, made anew when it broke."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import psycopg

from lingdang.db.deadline import breaks_after
from lingdang.db.failures import AWAY, overloaded
from lingdang.db.pool import Connection, connect_options

T = TypeVar("T")

_ANSWER_SECONDS = 5.0
"""A database that has not answered a batch by then counts as away."""


class Lane:
    """One connection for one gathering lane; never shared between tasks. `begin`: each one's first statement."""

    def __init__(
        self, url: str, pgbouncer: bool, answer_seconds: float = _ANSWER_SECONDS, *, begin: str | None = None
    ) -> None:
        self._url = url
        self._pgbouncer = pgbouncer
        self._answer_seconds = answer_seconds
        self._begin = begin
        self._connection: Connection | None = None

    async def connection(self) -> Connection:
        """The open connection. Raises psycopg.OperationalError while the database cannot be reached."""
        if self._connection is None or self._connection.closed or self._connection.broken:
            self._connection = await Connection.connect(self._url, **connect_options(self._pgbouncer))
            if self._begin is not None:
                await self._prepare(self._connection, self._begin)
        return self._connection

    async def _prepare(self, connection: Connection, begin: str) -> None:
        try:
            await connection.execute(begin.encode())
        except BaseException:
            await self.close()
            raise

    async def twice(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do `work`, which may be repeated, and once more on a new connection when the first one breaks.

        Raises Problem `overloaded` when the database is away.
        """
        try:
            return await self._once(work)
        except AWAY:
            pass
        try:
            return await self._once(work)
        except AWAY as error:
            raise overloaded(error) from error

    async def _once(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        try:
            connection = await self.connection()
            with breaks_after(connection, self._answer_seconds):
                return await work(connection)
        except AWAY:
            await self.close()
            raise

    async def abandon(self, connection: Connection) -> None:
        """Whatever happened, the transaction must not live on in this connection."""
        try:
            await connection.rollback()
        except psycopg.Error:
            await self.close()

    async def close(self) -> None:
        """Close the connection; the next use opens another."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None
