"""A connection that was told to come back later is not read before; every other connection is."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import uvicorn
from litestar.types import Receive, Scope, Send

from lingdang.errors import retry_later
from lingdang.http.entry import Entry
from lingdang.http.reply import Reply
from lingdang.serving.connections import Connection
from lingdang.serving.seats import Seats
from support.routes import Anything, short_route

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _later(_: Anything) -> Reply:
    raise retry_later("overloaded", 1)


async def _much_later(_: Anything) -> Reply:
    raise retry_later("overloaded", 3600)


async def _now(_: Anything) -> Reply:
    return Reply(b"{}")


async def _nothing(_scope: Scope, _receive: Receive, _send: Send) -> None: ...


@asynccontextmanager
async def connections(count: int) -> AsyncIterator[list[Stream]]:
    """So many connections to a server whose one route is overloaded and whose other one is not."""
    hot = [
        short_route(path, handle) for path, handle in (("/later", _later), ("/much-later", _much_later), ("/now", _now))
    ]
    entry = Entry(_nothing, hot, max_body_bytes=100, observe=lambda *_: None)
    protocol: Any = partial(Connection, entry=entry, seats=Seats(10))
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(_nothing, http=protocol, lifespan="off", interface="asgi3", log_level="warning")
    )
    task = asyncio.create_task(server.serve(sockets=[listener]))
    opened = [await asyncio.open_connection(*listener.getsockname()) for _ in range(count)]
    try:
        yield opened
    finally:
        for _, writer in opened:
            writer.close()
        server.should_exit = True
        await task


def ask(stream: Stream, path: str) -> "asyncio.Task[bytes]":
    """Send a request; its answer's status line and body, when they come."""
    stream[1].write(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{{}}".encode())
    return asyncio.create_task(_answer(stream[0]))


async def _answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]
    await reader.readexactly(int(length))
    return head.partition(b"\r")[0]


async def test_who_repeats_at_once_waits_and_nobody_else_does() -> None:
    async with connections(2) as (hasty, other):
        assert b"503" in await ask(hasty, "/much-later")
        again = ask(hasty, "/now")
        for _ in range(20):
            assert b"200" in await ask(other, "/now")
        assert not again.done()
        again.cancel()


async def test_who_has_waited_is_read_again() -> None:
    async with connections(1) as (hasty,):
        assert b"503" in await ask(hasty, "/later")
        told = time.monotonic()
        assert b"200" in await ask(hasty, "/now")
        assert time.monotonic() - told > 0.9, "as long as it was told"


async def test_a_connection_closed_meanwhile_is_let_go() -> None:
    failures: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    async with connections(2) as (hasty, other):
        assert b"503" in await ask(hasty, "/later")
        hasty[1].transport.abort()
        await asyncio.sleep(1.1)
        assert b"200" in await ask(other, "/now")
    assert failures == []
