"""The short way of a request: from the parser to its handler and back, past what an ASGI server keeps for each.

What uvicorn makes for a request (scope, events, a cycle that speaks in messages) costs more than reading and checking a
payment. A connection's other requests go the usual way, and so do those here that are out of the ordinary: pipelined,
chunked, too large, with a header twice.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from lingdang.http.entry import Entry, Found
from lingdang.http.reply import Header, Reply
from lingdang.http.sending import PIECE

_LATER = 503


class _NobodyWaits:
    """In place of the event on which an ASGI application waits for a body."""

    def set(self) -> None: ...


class DirectCycle:
    """One request under way, as far as uvicorn's protocol asks about it."""

    __slots__ = (
        "body",
        "disconnected",
        "entry",
        "expected_content_length",
        "headers",
        "keep_alive",
        "more_body",
        "response_complete",
        "response_started",
        "route",
        "task",
        "texts",
    )

    message_event = _NobodyWaits()

    def __init__(self, entry: Entry, found: Found, headers: dict[bytes, bytes], keep_alive: bool) -> None:
        self.entry = entry
        self.route, self.texts = found
        self.headers = headers
        self.keep_alive = keep_alive
        self.body: bytes | bytearray = b""
        self.more_body = True
        self.disconnected = False
        self.response_started = False
        self.response_complete = False
        self.expected_content_length = 0
        self.task: asyncio.Task[None] | None = None


class DirectProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with the short way for those routes of `entry` that have one, where `short_way` is wanted."""

    def __init__(self, *args: Any, entry: Entry, short_way: bool = True, **named: Any) -> None:
        super().__init__(*args, **named)
        self._entry = entry
        self._known = False
        self._short_way = short_way

    def on_message_begin(self) -> None:
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_headers_complete(self) -> None:
        direct: Any = self._direct()
        if direct is not None:
            self.cycle = direct
            return
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers.extend(headers)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        cycle: Any = self.cycle
        if type(cycle) is not DirectCycle:
            super().on_body(body)
        elif cycle.body:
            cycle.body = bytearray(cycle.body) if type(cycle.body) is bytes else cycle.body
            cycle.body += body
        else:
            cycle.body = body

    def on_message_complete(self) -> None:
        cycle: Any = self.cycle
        if type(cycle) is not DirectCycle:
            super().on_message_complete()
            return
        cycle.more_body = False
        task = cycle.task = self.loop.create_task(self._answer(cycle))
        self.tasks.add(task)

    def _direct(self) -> DirectCycle | None:
        """The request whose head was read, if its route has the short way and all about it is ordinary."""
        entry, url = self._entry, self.url
        if not self._short_way or b"?" in url or b"%" in url or b"#" in url:
            return None
        if self.cycle is not None and not self.cycle.response_complete:
            return None
        found = entry.find(self.parser.get_method().decode("latin-1"), url.decode("latin-1"))
        headers = dict(self.headers)
        if found is None or len(headers) != len(self.headers) or not self._is_plain(headers, entry.max_body_bytes):
            return None
        return DirectCycle(entry, found, headers, self.parser.should_keep_alive())

    def _is_plain(self, headers: dict[bytes, bytes], limit: int) -> bool:
        """Whether the body is of a declared, acceptable size, and nothing is asked of the protocol."""
        length = headers.get(b"content-length", b"0")
        return (
            self.parser.get_http_version() == "1.1"
            and not self.expect_100_continue
            and not self.parser.should_upgrade()
            and b"transfer-encoding" not in headers
            and len(length) < 10
            and length.isdigit()
            and int(length) <= limit
        )

    async def _answer(self, cycle: DirectCycle) -> None:
        try:
            cycle.entry.taken["direct"] += 1
            client = self.client[0] if self.client else "unknown"
            reply = await cycle.entry.answer(cycle.route, cycle.texts, cycle.headers, bytes(cycle.body), client)
            if self.flow.write_paused:
                await self.flow.drain()
            if len(reply.body) > PIECE:
                reply = await self._all_but_the_last_piece(cycle, reply)
            if not cycle.disconnected and not self.transport.is_closing():
                self._send(cycle, reply)
        finally:
            self.tasks.discard(cycle.task)

    def _know(self) -> None:
        """A customer's request succeeded on this connection."""

    def _send(self, cycle: DirectCycle, reply: Reply) -> None:
        if not self._known and reply.status < 300 and b"authorization" in cycle.headers:
            self._know()
        self.transport.write(
            reply.body
            if cycle.response_started
            else written(reply, self.server_state.default_headers, cycle.keep_alive)
        )
        cycle.response_complete = True
        if not cycle.keep_alive:
            self.part()
        self.on_response_complete()
        if reply.status == _LATER:
            self._rest(reply)

    async def _all_but_the_last_piece(self, cycle: DirectCycle, reply: Reply) -> Reply:
        """Write a long answer as it is taken, so that no more than a piece of it waits twice. Returns the rest."""
        whole = reply.body
        last = (len(whole) - 1) // PIECE * PIECE
        for start in range(0, last, PIECE):
            if cycle.disconnected or self.transport.is_closing():
                break
            cycle.expected_content_length = len(whole) - start
            piece = whole[start : start + PIECE]
            if start == 0:
                piece = written(reply, self.server_state.default_headers, cycle.keep_alive, piece)
            self.transport.write(piece)
            await self.flow.drain()
        cycle.response_started = True
        return Reply(whole[last:], reply.status, reply.headers, reply.shared)

    def part(self) -> None:
        """Close the connection once what was written has gone."""
        self.transport.close()

    def on_response_complete(self) -> None:
        """As uvicorn has it, without a timer for each request: one look a second closes who rests for too long."""
        if self.pipeline:
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        if self.flow.read_paused and not self.transport.is_closing():
            self.flow.resume_reading()

    def _rest(self, reply: Reply) -> None:
        """Do not read a connection that was told to come back later before that.

        A client that waits as long as it was told loses nothing. One that repeats at once is not read meanwhile.
        """
        seconds = next((int(value) for name, value in reply.headers if name == b"retry-after"), 0)
        self.flow.pause_reading()
        self.loop.call_later(seconds, self._read_again)

    def _read_again(self) -> None:
        if not self.transport.is_closing():
            self.flow.resume_reading()


def written(reply: Reply, default_headers: Sequence[Header], keep_alive: bool, begin: bytes | None = None) -> bytes:
    """Head and body (of a long one its `begin`) at once: one system call and one TLS record."""
    parts = [STATUS_LINE[reply.status]]
    for name, value in (*default_headers, *reply.headers):
        parts += (name, b": ", value, b"\r\n")
    parts.append(reply.shared.lines)
    if not keep_alive:
        parts.append(b"connection: close\r\n")
    parts += (b"\r\n", reply.body if begin is None else begin)
    return b"".join(parts)
