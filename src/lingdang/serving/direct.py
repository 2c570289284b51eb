"""The short way of a hot request: from the parser to its handler and back, past what an ASGI server keeps for each.

What uvicorn makes for a request (scope, events, a cycle that speaks in messages) costs more than reading and checking a
payment. A connection's other requests go the usual way, and so do those here that are out of the ordinary: pipelined,
chunked, too large, above the limit of connections.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from lingdang.http.entry import Entry, Header, HotRoute, Reply

_LATER = 503

Found = tuple[HotRoute[Any], str]


class _NobodyWaits:
    """In place of the event on which an ASGI application waits for a body."""

    def set(self) -> None: ...


class DirectCycle:
    """One request under way, as far as uvicorn's protocol asks about it."""

    __slots__ = (
        "body",
        "disconnected",
        "entry",
        "headers",
        "keep_alive",
        "more_body",
        "param",
        "response_complete",
        "route",
        "task",
    )

    message_event = _NobodyWaits()

    def __init__(self, entry: Entry, found: Found, headers: dict[bytes, bytes], keep_alive: bool) -> None:
        self.entry = entry
        self.route, self.param = found
        self.headers = headers
        self.keep_alive = keep_alive
        self.body = b""
        self.more_body = True
        self.disconnected = False
        self.response_complete = False
        self.task: asyncio.Task[None] | None = None


class DirectProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with the short way for the hot routes of `entry`; None: for no route."""

    def __init__(self, *args: Any, entry: Entry | None, **named: Any) -> None:
        super().__init__(*args, **named)
        self._entry = entry

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
        if type(cycle) is DirectCycle:
            cycle.body = cycle.body + body if cycle.body else body
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        cycle: Any = self.cycle
        if type(cycle) is not DirectCycle:
            super().on_message_complete()
            return
        cycle.more_body = False
        task = cycle.task = self.loop.create_task(self._answer(cycle))
        self.tasks.add(task)

    def _direct(self) -> DirectCycle | None:
        """The request whose head was read, if it is for a hot route and nothing about it is out of the ordinary."""
        entry, url = self._entry, self.url
        if entry is None or b"?" in url or b"%" in url or b"#" in url:
            return None
        if self.cycle is not None and not self.cycle.response_complete:
            return None
        found = entry.find(self.parser.get_method().decode("latin-1"), url.decode("latin-1"))
        headers = dict(self.headers)
        if found is None or self._is_crowded() or not self._is_plain(headers, entry.max_body_bytes):
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

    def _is_crowded(self) -> bool:
        limit = self.limit_concurrency
        return limit is not None and (len(self.connections) >= limit or len(self.tasks) >= limit)

    async def _answer(self, cycle: DirectCycle) -> None:
        try:
            reply = await cycle.entry.answer(cycle.route, cycle.param, cycle.headers, cycle.body)
            if self.flow.write_paused:
                await self.flow.drain()
            if not cycle.disconnected:
                self._send(cycle, reply)
        finally:
            self.tasks.discard(cycle.task)

    def _send(self, cycle: DirectCycle, reply: Reply) -> None:
        cycle.response_complete = True
        self.transport.write(_written(reply, self.server_state.default_headers, cycle.keep_alive))
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()
        if reply.status == _LATER:
            self._rest(reply)

    def on_response_complete(self) -> None:
        """As uvicorn has it, without a timer for each request: `close_overdue` closes who rests for too long."""
        if self.pipeline:
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        if not self.transport.is_closing():
            self.flow.resume_reading()

    def _rest(self, reply: Reply) -> None:
        """Do not read a connection that was told to come back later before that.

        Who does as told does not notice. Who repeats at once is refused as seldom, and payments go on beside.
        """
        seconds = next((int(value) for name, value in reply.headers if name == b"retry-after"), 0)
        self.flow.pause_reading()
        self.loop.call_later(seconds, self._read_again)

    def _read_again(self) -> None:
        if not self.transport.is_closing():
            self.flow.resume_reading()


def _written(reply: Reply, default_headers: Sequence[Header], keep_alive: bool) -> bytes:
    """Head and body at once: one system call and one TLS record."""
    parts = [STATUS_LINE[reply.status]]
    for name, value in (*default_headers, *reply.headers):
        parts += (name, b": ", value, b"\r\n")
    if not keep_alive:
        parts.append(b"connection: close\r\n")
    parts += (b"\r\n", reply.body)
    return b"".join(parts)
