"""Who does not take answers: only a piece of one waits twice, not for long, and not too much of all together."""

import asyncio
import gc
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvicorn
from litestar.types import Receive, Scope, Send
from uvicorn.server import ServerState

from lingdang.clock import system_clock
from lingdang.http.entry import Entry
from lingdang.http.reply import Reply
from lingdang.serving import connections, seats
from lingdang.serving.accepting import Acceptor
from lingdang.serving.connections import Connection, close_overdue
from lingdang.serving.listening import listen
from lingdang.serving.seats import Seats
from lingdang.serving.tls import context, local_certificate
from support.routes import Anything, short_route
from support.shop import PATIENCE
from support.tabs import until

pytestmark = pytest.mark.slow

LONG = b"x" * 3_000_000
MOST_WAITING = 300_000
"""Bytes that may wait in the server for one reader: a piece, and what two buffers below hold."""
HOT = b"POST /hot HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
COLD = b"GET /cold HTTP/1.1\r\nHost: x\r\n\r\n"

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _hot(_: Anything) -> Reply:
    return Reply(LONG)


async def _cold(_scope: Scope, _receive: Receive, send: Send) -> None:
    headers = [(b"content-length", b"%d" % len(LONG))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": LONG, "more_body": False})


class Room:
    """A server of long answers."""

    def __init__(self, state: ServerState, address: tuple[str, int], trusted: ssl.SSLContext | None) -> None:
        self.state = state
        self._address = address
        self._trusted = trusted

    async def ask(self, request: bytes) -> Stream:
        """A connection that asks, and reads nothing until it is told to."""
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plain.setblocking(False)
        await asyncio.get_running_loop().sock_connect(plain, self._address)
        name = "127.0.0.1" if self._trusted else None
        stream = await asyncio.open_connection(sock=plain, limit=1024, ssl=self._trusted, server_hostname=name)
        stream[1].write(request)
        return stream

    def waiting(self) -> list[int]:
        """Bytes that wait in the server, by connection."""
        return [one.transport.get_write_buffer_size() for one in self.state.connections]


@pytest.fixture(params=["http", "https"])
async def room(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Room]:
    monkeypatch.setattr(connections, "_SWEEP_SECONDS", 0.05)
    async with opened(tmp_path if request.param == "https" else None) as made:
        yield made


@asynccontextmanager
async def opened(tls: Path | None, sending: float = 1) -> AsyncIterator[Room]:
    """Cuts off who does not take a piece within `sending` seconds."""
    certificate = local_certificate(tls, "127.0.0.1", system_clock()) if tls else None
    entry = Entry(_cold, [short_route("/hot", _hot)], max_body_bytes=100, observe=lambda *_: None)
    config, state, taken = uvicorn.Config(entry, log_config=None, interface="asgi3"), ServerState(), Seats(100)
    config.load()

    def make() -> Connection:
        return Connection(config=config, server_state=state, app_state={}, entry=entry, seats=taken)

    (listener,) = listen("127.0.0.1", 0, workers=1)
    acceptor = Acceptor(listener, context(certificate) if certificate else None, taken, make)
    acceptor.open()
    sweep = asyncio.create_task(close_overdue(state, sending=sending, resting=60))
    trusted = ssl.create_default_context(cafile=str(tls / "ca.pem")) if tls else None
    yield Room(state, listener.getsockname(), trusted)
    sweep.cancel()
    acceptor.close()
    listener.close()
    for one in list(state.connections):
        one.transport.abort()


@pytest.mark.parametrize("request_", [HOT, COLD, HOT + COLD * 50], ids=["hot", "cold", "many"])
async def test_who_reads_nothing_is_cut_off(room: Room, request_: bytes) -> None:
    streams = [await room.ask(request_) for _ in range(5)]
    await until(lambda: len(room.state.connections) == 5)
    await until(lambda: any(room.waiting()) or not room.state.connections)
    assert max(room.waiting(), default=0) < MOST_WAITING
    await until(lambda: not room.state.connections)
    await until(lambda: not room.state.tasks)
    for _, writer in streams:
        writer.close()


@pytest.mark.parametrize("request_", [HOT, COLD], ids=["hot", "cold"])
async def test_a_trickle_does_not_count_as_reading(room: Room, request_: bytes) -> None:
    reader, writer = await room.ask(request_)
    await until(lambda: len(room.state.connections) == 1)
    while room.state.connections:
        await reader.read(1)
        await asyncio.sleep(0.05)
    writer.close()


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("request_", [HOT, COLD], ids=["hot", "cold"])
async def test_who_reads_slowly_gets_it_whole(tmp_path: Path, request_: bytes, tls: bool) -> None:
    async with opened(tmp_path if tls else None, sending=PATIENCE) as room:
        await _read_slowly(room, request_)


async def _read_slowly(room: Room, request_: bytes) -> None:
    reader, writer = await room.ask(request_)
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    received = 0
    while received < len(LONG):
        part = await reader.read(60_000)
        assert part, f"cut off after {received} bytes"
        received += len(part)
        await asyncio.sleep(0.02)
    assert received == len(LONG)
    writer.write(request_)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    writer.close()


async def test_all_together_may_not_be_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long before its time is over, who has let an answer wait for longest goes."""
    monkeypatch.setattr(seats, "HELD_BYTES", 10_000_000)
    async with opened(None) as room:
        streams = [await room.ask(COLD) for _ in range(20)]
        await until(lambda: not any(task for task in room.state.tasks if task.done()))
        await until(lambda: 0 < len(room.state.connections) <= 4)
        for _, writer in streams:
            writer.close()


async def test_who_goes_away_while_answers_wait_is_no_error(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    """Of requests sent ahead the protocol tells only the newest that its client has gone; the others go on writing."""
    for _ in range(5):
        _, writer = await room.ask(COLD * 3)
        await until(lambda: any(room.waiting()))
        writer.transport.abort()
        await until(lambda: not room.state.connections and not room.state.tasks)
    gc.collect()
    assert caplog.records == []
