"""One look a second finds the connections that send, or rest, for too long; who waits for an answer is let be."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from types import SimpleNamespace

import pytest
import uvicorn
from uvicorn.server import ServerState

from lingdang.http.entry import Entry
from lingdang.serving import connections
from lingdang.serving.connections import Connection, close_overdue
from lingdang.serving.seats import Seats

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def answer_at_length(scope: object, receive: object, send: Callable[[object], Awaitable[None]]) -> None:
    await asyncio.sleep(0.5)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_SWEEP_SECONDS", 0.05)


@pytest.fixture
def forward(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Puts the clock of the connections forward by so many seconds."""
    ahead = [0.0]
    monkeypatch.setattr(connections, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + sum(ahead)))
    return ahead.append


@asynccontextmanager
async def connected(
    *, sending: float, resting: float
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    config, state = uvicorn.Config(answer_at_length, log_config=None, lifespan="off"), ServerState()  # type: ignore[arg-type]
    config.load()
    entry = Entry(answer_at_length, [], max_body_bytes=100, observe=lambda *_: None)  # type: ignore[arg-type]
    protocol = partial(
        Connection, config=config, server_state=state, app_state={}, entry=entry, seats=Seats(10), short_way=False
    )
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    sweep = asyncio.create_task(close_overdue(state, sending=sending, resting=resting))
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        yield reader, writer
    finally:
        writer.close()
        sweep.cancel()
        server.close()
        with suppress(asyncio.CancelledError):
            await sweep


async def test_a_rest_ends() -> None:
    async with connected(sending=60, resting=0.2) as (reader, writer):
        for _ in range(2):
            writer.write(REQUEST)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        assert await reader.read() == b""


async def test_the_next_head_has_its_own_time(forward: Callable[[float], None]) -> None:
    async with connected(sending=300, resting=3000) as (reader, writer):
        writer.write(REQUEST)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        forward(1000)
        writer.write(REQUEST[:-4])
        await asyncio.sleep(0.5)  # several looks
        assert not reader.at_eof(), "it has only begun"
        forward(1000)
        assert (await reader.read()).startswith(b"HTTP/1.1 408 ")


async def test_who_waits_is_let_be() -> None:
    async with connected(sending=0.1, resting=0.1) as (reader, writer):
        writer.write(REQUEST)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
