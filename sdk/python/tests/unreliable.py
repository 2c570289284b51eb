"""A real network that fails on purpose: an HTTP server on the loopback between the client and the shop."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Literal
from urllib.parse import urlsplit

Fault = Literal["drop", "lose", "cut", "hang", "garbage", "busy", "html", "pass"]
"""What happens to a payment: its connection is closed before it arrives (`drop`) or after (`lose`); half of the
answer comes (`cut`); no answer comes, though it was carried out (`hang`); bytes that are not HTTP (`garbage`); a 503
with Retry-After (`busy`); a proxy's 502 page (`html`)."""

_BUSY = b'{"type":"urn:x","title":"Overloaded","status":503,"detail":"","code":"overloaded","requestId":"r"}'


class Network:
    """Everything but payments passes; payments meet the faults one after another, then pass."""

    def __init__(self, shop_url: str, faults: Iterator[Fault]) -> None:
        address = urlsplit(shop_url)
        self._shop = (address.hostname, address.port)
        self._faults = faults
        self.url = ""
        self.payments = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await _read_request(reader)
            if request.startswith(b"POST /v1/payments "):
                self.payments += 1
                await self._fail(next(self._faults, "pass"), request, reader, writer)
            else:
                writer.write(await self._forward(request))
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client went away, as its tests want it to
        finally:
            writer.close()

    async def _fail(
        self, fault: Fault, request: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        match fault:
            case "drop":
                writer.transport.abort()
            case "garbage":
                writer.write(b"\x00\x01 this is not HTTP\r\n\r\n")
            case "busy":
                writer.write(_response(b"503 Busy", b"application/problem+json", _BUSY, b"Retry-After: 0\r\n"))
            case "html":
                writer.write(_response(b"502 Bad Gateway", b"text/html", b"<html>bad gateway</html>"))
            case _:
                answer = await self._forward(request)
                await self._answer(fault, answer, reader, writer)

    async def _answer(
        self, fault: Fault, answer: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        match fault:
            case "lose":
                writer.transport.abort()
            case "hang":
                await reader.read()  # until the client has gone
            case "cut":
                writer.write(answer[: len(answer) - 20])
            case _:
                writer.write(answer)

    async def _forward(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(*self._shop)
        head, _, body = request.partition(b"\r\n\r\n")
        kept = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
        writer.write(b"\r\n".join([*kept, b"Connection: close"]) + b"\r\n\r\n" + body)
        answer = await reader.read()
        writer.close()
        return answer


async def _read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return head + await reader.readexactly(int(lengths[0].split(b":")[1]) if lengths else 0)


def _response(status: bytes, kind: bytes, body: bytes, more: bytes = b"") -> bytes:
    head = b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Length: %d\r\nConnection: close\r\n%b\r\n"
    return head % (status, kind, len(body), more) + body


@asynccontextmanager
async def network(shop_url: str, *faults: Fault) -> AsyncIterator[Network]:
    """A network to the shop in which payments meet these faults in turn."""
    made = Network(shop_url, iter(faults))
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.close()
