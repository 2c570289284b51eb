"""A lane's own connection: kept open, made anew when it broke."""

from lingdang.db.pool import Connection, connect_options


class Lane:
    """One connection for one gathering lane; never shared between tasks."""

    def __init__(self, url: str, pgbouncer: bool) -> None:
        self._url = url
        self._pgbouncer = pgbouncer
        self._connection: Connection | None = None

    async def connection(self) -> Connection:
        """The open connection. Raises psycopg.OperationalError while the database cannot be reached."""
        if self._connection is None or self._connection.closed or self._connection.broken:
            self._connection = await Connection.connect(self._url, **connect_options(self._pgbouncer))
        return self._connection

    async def close(self) -> None:
        """Close the connection; the next use opens another."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None
