"""A lean HTTP/1.1 client: one connection with one request under way, and no work that a measurement does not need."""

import asyncio
import socket
import ssl
import sys
from asyncio import Future
from typing import cast

from proof.bench.load import Answer

_LENGTH = b"content-length: "
_CONNECT_SECONDS = 20.0


class Connection(asyncio.Protocol):
    """One connection. What it is asked after it is lost, or when it is lost meanwhile, raises ConnectionError."""

    def __init__(self) -> None:
        self.lost = asyncio.Event()
        self._received = bytearray()
        self._needed = 0
        self._waiting: Future[Answer] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._waiting is None:
            return  # nobody reads what nobody has asked for by `ask`
        self._received += data
        if len(self._received) < self._needed:
            return
        answer = self._parse()
        if answer is not None and self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(answer)

    def connection_lost(self, _exc: Exception | None) -> None:
        self.lost.set()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionError("closed by the server"))

    async def ask(self, request: bytes) -> Answer:
        """Send one request and wait for its whole answer."""
        if self.lost.is_set():
            raise ConnectionError("closed by the server")
        self._received.clear()
        self._needed = 0
        self._waiting = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self._waiting

    def close(self) -> None:
        """Let go of it at once."""
        self.transport.abort()

    def _parse(self) -> Answer | None:
        head = self._received.find(b"\r\n\r\n")
        if head < 0:
            return None
        start = self._received.find(_LENGTH, 0, head)
        length = 0
        if start >= 0:
            start += len(_LENGTH)
            length = int(self._received[start : self._received.index(b"\r", start)])
        self._needed = head + 4 + length
        if len(self._received) < self._needed:
            return None
        return Answer(int(self._received[9:12]), bytes(self._received[head + 4 :]))


async def connect(host: str, port: int, tls: ssl.SSLContext | None, *, number: int = 0, window: int = 0) -> Connection:
    """A new connection, its handshake done. Raises OSError, TimeoutError too.

    Those with a `number` come from as many addresses of this machine, where it has more than one. With a `window` the
    system takes no more bytes than that for who does not read them.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(_CONNECT_SECONDS):
        plain = await dial(host, port, number=number, window=window)
        try:
            _, connection = await loop.create_connection(
                Connection, sock=plain, ssl=tls, server_hostname=host if tls else None
            )
        except BaseException:
            plain.close()
            raise
    return connection


async def dial(host: str, port: int, *, number: int = 0, window: int = 0) -> socket.socket:
    """As `connect`, without a handshake."""
    plain = socket.socket()
    try:
        plain.setblocking(False)
        if window:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        if number and sys.platform == "linux":
            plain.bind((f"127.0.{1 + number // 250}.{1 + number % 250}", 0))
        await asyncio.get_running_loop().sock_connect(plain, (host, port))
    except BaseException:
        plain.close()
        raise
    return plain
