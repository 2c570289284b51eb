"""A wire to PostgreSQL that can be cut: forwards a connection until it is told otherwise."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, quote, urlsplit

COMMIT = b"COMMIT\0"
SETTLES = b"ledger_load("
_IDLE = b"Z\0\0\0\5I"


class Wire:
    """Forwards between a TCP port and PostgreSQL's socket.

    `cut_after_commits`: how many COMMITs of settlements to deliver to the server without ever bringing back the answer.
    `cut_before_commits`: how many to swallow undelivered. Both break the connection, as a network does.
    Statements are seen by their texts, so that whoever is on the wire must not use prepared ones.
    """

    def __init__(self, socket_path: str) -> None:
        self._socket_path = socket_path
        self.cut_after_commits = 0
        self.cut_before_commits = 0
        self.down = False
        self.cuts = 0
        self.was_cut = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client's connection."""
        if self.down:
            writer.transport.abort()
            return
        to_server = await asyncio.open_unix_connection(self._socket_path)
        back = asyncio.create_task(self._copy(to_server[0], writer))
        settles = False
        try:
            while data := await reader.read(1 << 20):
                settles |= SETTLES in data
                if settles and COMMIT in data and await self._cut(data, *to_server, back):
                    break
                to_server[1].write(data)
                await to_server[1].drain()
        except ConnectionError:
            pass
        finally:
            back.cancel()
            to_server[1].close()
            writer.transport.abort()

    async def _cut(
        self, data: bytes, answers: asyncio.StreamReader, server: asyncio.StreamWriter, back: "asyncio.Task[None]"
    ) -> bool:
        if self.cut_before_commits:
            self.cut_before_commits -= 1
        elif self.cut_after_commits:
            self.cut_after_commits -= 1
            back.cancel()
            await asyncio.wait([back])
            server.write(data)
            await server.drain()
            await _until_idle(answers)
        else:
            return False
        self.cuts += 1
        self.was_cut.set()
        return True

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 20):
            writer.write(data)
            await writer.drain()
        writer.transport.abort()


async def _until_idle(answers: asyncio.StreamReader) -> None:
    """Read until the server is ready for the next query, outside of any transaction: it has committed."""
    end = b""
    while not end.endswith(_IDLE) and (more := await answers.read(1 << 20)):
        end = (end + more)[-len(_IDLE) :]


@asynccontextmanager
async def wired(database_url: str) -> AsyncIterator[tuple[Wire, str]]:
    """A wire to the database, and the URL that goes through it."""
    parts = urlsplit(database_url)
    directory = parse_qs(parts.query)["host"][0]
    wire = Wire(f"{directory}/.s.PGSQL.{parse_qs(parts.query).get('port', ['5432'])[0]}")
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    user = quote(parts.username or "postgres")
    try:
        yield wire, f"postgresql://{user}@127.0.0.1:{port}{parts.path}?sslmode=disable&gssencmode=disable"
    finally:
        server.close()
