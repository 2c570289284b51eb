"""The wire between a worker and PostgreSQL, on which faults happen.

It forwards the conversation, and knows just enough of PostgreSQL's protocol to see where a flush ends (its manual,
"Frontend/Backend Protocol"). A flush is what is sent up to one Sync or simple query. The faults:

* `cut_before`: the connection breaks, and nothing of the flush arrives;
* `cut_within`: it breaks in the middle: the server has every message of the flush but the last statement's;
* `cut_unread`: all of it arrives, and the connection breaks at once;
* `cut_after`: it is carried out (a commit is durable), and the connection breaks before the answer is read;
* `slow`, `slow_answer`: the flush, or its answer, takes `size` milliseconds;
* `full`: it, and `size` - 1 after it, are answered with PostgreSQL's error 53100 (disk full), and not carried out;
* `kill_before`, `kill_after`: as `cut_before` and `cut_after`, and the whole worker dies with the connection;
* `away_before`, `away_after`: as `cut_before` and `cut_after`, and the next `size` attempts to connect fail.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from proof.simulation.plan import Fault

_CANCEL = 80877102
_READY = b"Z\0\0\0\x05"
_FULL = b"SERROR\0VERROR\0C53100\0Mcould not extend file: No space left on device\0\0"
_BROKEN = (ConnectionError, asyncio.IncompleteReadError, OSError)

KINDS = (
    *("cut_before", "cut_within", "cut_unread", "cut_after", "slow", "slow_answer"),
    *("full", "kill_before", "kill_after", "away_before", "away_after"),
)
"""Every kind of fault."""

NOTHING: Mapping[int, Fault] = {}


class Wire:
    """All connections of one part of one worker. `faults` name flushes by their number since `expect`."""

    def __init__(self, database_url: str, kill: Callable[[], None]) -> None:
        self._target = conninfo_to_dict(database_url)
        self._kill = kill
        self._faults = NOTHING
        self._flushes = 0
        self._refusals = 0
        self._full = 0
        self._links: set[_Link] = set()
        self._server: asyncio.Server | None = None
        self.met: list[str] = []
        """The kinds of fault that really happened."""

    async def open(self) -> str:
        """Listen on a port of its own. Answers the database's URL over this wire."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        target: dict[str, Any] = {**self._target, "host": "127.0.0.1", "port": port}
        return make_conninfo(**target, sslmode="disable", gssencmode="disable")

    def expect(self, faults: Mapping[int, Fault]) -> None:
        """Begin to count anew, with these faults to come."""
        self._faults = faults
        self._flushes = 0
        self._refusals = 0
        self._full = 0
        self.met = []

    def arm(self, fault: Fault, after: int) -> None:
        """Let so many flushes pass, and this happen to the next one."""
        self._faults = {**self._faults, self._flushes + after: fault}

    def close(self) -> None:
        """Break every connection and stop listening."""
        if self._server is not None:
            self._server.close()
        for link in list(self._links):
            link.cut()

    def next_fault(self) -> Fault | None:
        """What happens to the flush that is about to be sent."""
        fault = self._faults.get(self._flushes)
        self._flushes += 1
        if fault is None and self._full:
            fault = Fault("full")
        if fault is None:
            return None
        self.met.append(fault.kind)
        if fault.kind.startswith("away"):
            self._refusals = fault.size
        if fault.kind == "full":
            self._full = max(self._full, fault.size) - 1
        return fault

    async def calm(self) -> None:
        """Wait for the faults that are under way."""
        await asyncio.gather(*(link.calm.wait() for link in self._links))

    def kill(self) -> None:
        """The worker at this end dies."""
        self._kill()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusals > 0:
            self._refusals -= 1
            writer.transport.abort()
            return
        link = _Link(self, reader, writer)
        self._links.add(link)
        try:
            await link.run(await self._reach())
        except (asyncio.CancelledError, *_BROKEN):
            pass  # one of the ends is gone, or the worker died
        finally:
            self._links.discard(link)
            link.cut()

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, port = str(self._target.get("host") or "127.0.0.1"), self._target.get("port") or 5432
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, int(port))


class _Link:
    """One connection: two directions, of which the one to the server meets the faults."""

    def __init__(self, wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._wire = wire
        self._reader = reader
        self._writer = writer
        self._server: asyncio.StreamWriter | None = None
        self._status = b"I"
        self._answer: bytearray | None = None
        """What the server has said so far, while its answer is held back."""
        self._answered = asyncio.Event()
        self._is_cut = False
        self.calm = asyncio.Event()
        """Set while no fault is under way."""
        self.calm.set()

    def cut(self) -> None:
        """Break it at both ends; what is on its way to the client is lost."""
        self._is_cut = True
        self._writer.transport.abort()
        if self._server is not None:
            self._server.transport.abort()

    async def run(self, server: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        """Forward until either end is gone."""
        self._server = server[1]
        back = asyncio.create_task(self._back(server[0]))
        try:
            await self._forth(server[1])
        finally:
            back.cancel()
            with suppress(asyncio.CancelledError, *_BROKEN):
                await back

    async def _back(self, server: asyncio.StreamReader) -> None:
        while data := await server.read(1 << 16):
            if data[-6:-1] == _READY:
                self._status = data[-1:]
            if self._answer is None:
                self._writer.write(data)
                continue
            self._answer += data
            if self._answer[-6:-1] == _READY:
                self._answered.set()
        self.cut()
        self._answered.set()

    async def _forth(self, server: asyncio.StreamWriter) -> None:
        length = await self._reader.readexactly(4)
        hello = await self._reader.readexactly(int.from_bytes(length, "big") - 4)
        server.write(length + hello)
        if int.from_bytes(hello[:4], "big") == _CANCEL:
            return
        while True:
            messages = await self._flush()
            if messages[-1][:1] not in (b"S", b"Q"):
                server.write(b"".join(messages))
            else:
                await self._meet(messages, server, self._wire.next_fault())

    async def _flush(self) -> list[bytes]:
        """The messages up to the next Sync, simple query, or whatever else wants an answer or ends the connection."""
        messages: list[bytes] = []
        while True:
            head = await self._reader.readexactly(5)
            messages.append(head + await self._reader.readexactly(int.from_bytes(head[1:], "big") - 4))
            if head[:1] in (b"S", b"Q", b"H", b"X", b"p"):
                return messages

    async def _meet(self, messages: list[bytes], server: asyncio.StreamWriter, fault: Fault | None) -> None:
        """Send the flush, with its fault."""
        self.calm.clear()
        try:
            await self._send(messages, server, fault)
        finally:
            self.calm.set()

    async def _send(self, messages: list[bytes], server: asyncio.StreamWriter, fault: Fault | None) -> None:
        kind = "none" if fault is None else fault.kind
        if kind == "slow":
            await _sleep(fault)
        if kind in ("cut_before", "away_before", "kill_before"):
            self._break(kind)
        elif kind == "cut_within":
            server.write(b"".join(messages[: _last_statement(messages)]))
            await server.drain()
            self._break(kind)
        elif kind == "full":
            error = b"E" + (len(_FULL) + 4).to_bytes(4, "big") + _FULL
            self._writer.write(error + _READY + (b"I" if self._status == b"I" else b"E"))
        elif kind in ("cut_after", "away_after", "kill_after", "slow_answer"):
            await self._hold(messages, server, fault)
        else:
            server.write(b"".join(messages))
            if kind == "cut_unread":
                await server.drain()
                self._break(kind)

    async def _hold(self, messages: list[bytes], server: asyncio.StreamWriter, fault: Fault | None) -> None:
        """Have the flush carried out, and keep its answer."""
        self._answer = bytearray()
        self._answered.clear()
        server.write(b"".join(messages))
        await self._answered.wait()
        if fault is not None and fault.kind != "slow_answer":
            self._break(fault.kind)
            return
        await _sleep(fault)
        self._writer.write(bytes(self._answer))
        self._answer = None

    def _break(self, kind: str) -> None:
        """Break it, unless it was broken meanwhile: with a worker that died before, no other dies."""
        if self._is_cut:
            return
        self.cut()
        if kind.startswith("kill"):
            self._wire.kill()


def _last_statement(messages: list[bytes]) -> int:
    """Where the last statement of a flush begins: its Bind, or the simple query itself."""
    binds = [number for number, message in enumerate(messages) if message[:1] == b"B"]
    return binds[-1] if binds else len(messages) - 1


async def _sleep(fault: Fault | None) -> None:
    await asyncio.sleep(fault.size / 1000 if fault else 0)
