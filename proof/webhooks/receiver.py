"""A receiver of webhooks that does as it is told: answers, fails, hangs, or says what is no HTTP at all."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec


@dataclass(frozen=True)
class Delivery:
    """One request as it came in. Header names are lower-case."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.time)

    @property
    def events(self) -> list[dict[str, Any]]:
        """Its events, whether they came alone or in a list."""
        told = msgspec.json.decode(self.body)
        return told if isinstance(told, list) else [told]


Answer = Callable[[Delivery], Awaitable[bytes | None]]
"""The bytes that are answered; None: the connection is closed without a word."""


def reply(status: int, body: bytes = b"", *headers: str) -> bytes:
    """A whole HTTP answer."""
    head = [f"HTTP/1.1 {status} -", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


async def accept(_: Delivery) -> bytes:
    """What a good receiver answers."""
    return reply(204)


class Receiver:
    """Listens, counts, keeps what came, and answers by `answer`, which may be changed at any time."""

    def __init__(self, answer: Answer, scheme: str) -> None:
        self.answer = answer
        self.connections = 0
        self.deliveries: list[Delivery] = []
        self.accepted: list[Delivery] = []
        """Those of them that were answered 2xx."""
        self.names: list[str | None] = []
        """The servers' names that TLS clients asked for."""
        self.port = 0
        self._scheme = scheme
        self._host = ""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{self._scheme}://{self._host}:{self.port}/hooks"

    @property
    def events(self) -> list[dict[str, Any]]:
        """Every event that came, in the sequence of arrival."""
        return [event for delivery in self.deliveries for event in delivery.events]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, for as long as the client keeps it."""
        self.connections += 1
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            while (delivery := await _read(reader)) is not None:
                self.deliveries.append(delivery)
                answer = await self.answer(delivery)
                if answer is None:
                    break
                if answer.startswith(b"HTTP/1.1 2"):
                    self.accepted.append(delivery)
                writer.write(answer)
                await writer.drain()
        writer.close()

    def listens(self, server: asyncio.Server) -> None:
        """Note where it listens."""
        self._host, self.port = server.sockets[0].getsockname()[:2]


async def _read(reader: asyncio.StreamReader) -> Delivery | None:
    """The next request; None at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Delivery(first.split(" ")[1], headers, body)


@asynccontextmanager
async def receiving(
    answer: Answer = accept, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Receiver]:
    """A receiver that listens for as long as the block."""
    receiver = Receiver(answer, "https" if tls else "http")
    if tls is not None:
        tls.sni_callback = lambda _socket, name, _context: receiver.names.append(name)
    server = await asyncio.start_server(receiver.serve, host, port, ssl=tls)
    receiver.listens(server)
    try:
        yield receiver
    finally:
        server.close()
