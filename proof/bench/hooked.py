"""A receiver of webhooks as a process of its own. It notes when it had which orders, a line of JSON a request."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import uvloop

_ANSWER = b"HTTP/1.1 204 -\r\nContent-Length: 0\r\n\r\n"
_LENGTH = b"content-length: "
_PATIENCE_SECONDS = 60.0


class Arrival(msgspec.Struct, frozen=True):
    """What came with one request at a moment of the monotonic clock."""

    at: float
    orders: list[str]


class _Paid(msgspec.Struct, frozen=True, rename="camel"):
    order_id: str


class _Event(msgspec.Struct, frozen=True):
    data: _Paid


_decode = msgspec.json.Decoder(list[_Event]).decode


class Arrivals:
    """What a receiver has noted so far, read on from where the last look ended."""

    def __init__(self, file: Path) -> None:
        self._file = file.open("rb")
        self._cut = b""
        self.at: dict[str, float] = {}
        """When each order came first."""

    def look(self) -> int:
        """Read on; how many orders have come."""
        *lines, self._cut = (self._cut + self._file.read()).split(b"\n")
        for line in lines:
            arrival = msgspec.json.decode(line, type=Arrival)
            for order in arrival.orders:
                self.at.setdefault(order, arrival.at)
        return len(self.at)

    def close(self) -> None:
        """Read no more."""
        self._file.close()


@contextmanager
def hooked(file: Path) -> Iterator[int]:
    """The port of a receiver that takes batches of `order.paid` until the block ends."""
    with file.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-m", "proof.bench.hooked"], stdout=out, stderr=subprocess.PIPE)
        try:
            assert process.stderr is not None, "it was asked for"
            yield int(process.stderr.readline())
        finally:
            process.kill()
            process.wait()


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, asyncio.IncompleteReadError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            start = head.index(_LENGTH) + len(_LENGTH)
            body = await reader.readexactly(int(head[start : head.index(b"\r", start)]))
            writer.write(_ANSWER)
            arrival = Arrival(time.monotonic(), [event.data.order_id for event in _decode(body)])
            sys.stdout.buffer.write(msgspec.json.encode(arrival) + b"\n")
            sys.stdout.buffer.flush()
    writer.close()


async def _listen() -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], file=sys.stderr, flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_listen())
