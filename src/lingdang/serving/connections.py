"""A connection: what it may send, how long that and the taking of its answers may take, and how it is refused.

A refusal has its place behind the answers that are still owed on the connection. Nothing that comes after it is read.
"""

import asyncio
import math
import time
from collections.abc import Callable
from ipaddress import IPv6Address
from typing import Any, Literal, NamedTuple

import httptools
from litestar.types import Receive, Scope, Send
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.server import ServerState

from lingdang.errors import Problem, retry_later
from lingdang.http.entry import KNOWN
from lingdang.http.problems import invalid
from lingdang.http.sending import send_reply
from lingdang.serving.direct import DirectCycle, DirectProtocol, written
from lingdang.serving.seats import Seats

MAX_HEAD_BYTES = 32 * 1024
"""The request line and all headers together, or what else is sent that is no body; counted by whole reads."""
LINGER_SECONDS = 2.0
"""How long a refused client may go on sending; what it sends is thrown away."""

_SWEEP_SECONDS = 1.0
_UNDER_WAY_SECONDS = 5.0
"""A customer who was answered so lately is not cut off for a newcomer."""
_SLICE = 4096
"""Bytes parsed at once: so many requests in one segment must not all become objects before the first is answered."""
_LARGE_BODY = 64 * 1024
_FRAMING = (b"content-length", b"transfer-encoding")
_WRITE_HIGH = 64 * 1024
_RETRY_SECONDS = 5

Doing = Literal["sending", "waiting", "reading", "leaving", "resting"]


class Stage(NamedTuple):
    """What a connection does, and about which request or answer. Another one is another stage."""

    about: int
    doing: Doing


class _Flow(FlowControl):
    """Flow control that does not resume reading while requests of the connection wait for their turn."""

    held = False

    def resume_reading(self) -> None:
        if self.read_paused and not self.held:
            super().resume_reading()


class Connection(DirectProtocol):
    """A connection on its seat."""

    turned_away = False
    greeting: asyncio.Task[None] | None = None
    """While it is not yet open."""
    leaving = False
    """It was refused or is to be closed; nothing is read any more."""

    def __init__(self, *args: Any, seats: Seats, **named: Any) -> None:
        super().__init__(*args, **named)
        self._seats = seats
        self._in_head = self._in_request = self._replayed = False
        self._overhead = 0
        """Bytes since the last piece of a body, or the end of a head or a request."""
        self._body_bytes = 0
        self._unread = b""
        self._requests = self._stalls = 0
        self._stage = Stage(0, "sending")
        self._since = time.monotonic()

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=_WRITE_HIGH)
        self.flow = _Flow(transport)
        if self.client is not None:
            self.client = (_plain_address(self.client[0]), self.client[1])

    def connection_lost(self, exc: Exception | None) -> None:
        self.leaving = True
        self._unread = b""
        super().connection_lost(exc)
        self._seats.leave(self)

    def abort(self) -> None:
        """Close it at once, whatever it does."""
        if self.greeting is not None:
            self.greeting.cancel()
        if self.transport is not None:
            self.transport.abort()

    def part(self) -> None:
        """Close it once what was written has gone; a client that still sends must not lose the answer for it."""
        self.leaving = True
        if self.transport.is_closing():
            return
        if self._in_request and self.transport.can_write_eof():
            self.transport.write_eof()
            self._hold(False)
            self.flow.resume_reading()
            self.loop.call_later(LINGER_SECONDS, self.transport.abort)
        else:
            self.transport.close()

    def shutdown(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.leaving = True
        super().shutdown()

    # Receiving

    def data_received(self, data: bytes) -> None:
        if len(data) > _SLICE or self.pipeline or self._unread:
            self._take_slices(data)
        elif not self.leaving:
            self._take(data)

    def _take_slices(self, data: bytes) -> None:
        for start in range(0, len(data), _SLICE):
            if self.pipeline or self._unread:
                self._unread += data[start:]
                return
            if not self.leaving:
                self._take(data[start : start + _SLICE])

    def _take(self, data: bytes) -> None:
        self._overhead += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._go_on(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self.refuse(invalid("$", f"Not a request of HTTP/1.1: {error}"))
        if self._overhead > MAX_HEAD_BYTES:
            self.refuse(Problem("head_too_large", limit=MAX_HEAD_BYTES))

    def _go_on(self, rest: bytes) -> None:
        """Read on behind a request for an upgrade, of which there is none here.

        The parser takes all that follows for another protocol, and so the request's body too. Java's client asks for
        HTTP/2 with each request, body or not. The parser is told the body's length once more.
        """
        if self._in_request:
            framing = [(name, value) for name, value in self.headers if name in _FRAMING]
            self._replayed = True
            self._take(b"POST / HTTP/1.1\r\n" + b"".join(b"%b: %b\r\n" % line for line in framing) + b"\r\n")
            self._replayed = False
            self._overhead = 0
        if rest and not self.leaving:
            self._take(rest)

    def on_message_begin(self) -> None:
        if self._replayed:
            return
        super().on_message_begin()
        self._in_head = self._in_request = True
        self._requests += 1

    def on_url(self, url: bytes) -> None:
        if not self._replayed:
            self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            return  # a trailer is no header: it came after everything had been judged
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self.leaving or self._replayed:
            return
        self._overhead = self._body_bytes = 0
        if self.turned_away or len(self.tasks) >= self._seats.limit:
            self._answer_with(retry_later("overloaded", _RETRY_SECONDS))
        elif self.parser.should_upgrade() and self.parser.get_method() == b"CONNECT":
            self.url = b"/"
            self._answer_with(Problem("method_not_allowed"))
        else:
            super().on_headers_complete()
        self._in_head = False
        if self.pipeline:
            self._hold(True)
        if type(self.cycle) is RequestResponseCycle:
            self.cycle.transport = _Parting(self)  # type: ignore[assignment]
            if not self._known:
                self.cycle.scope[KNOWN] = self._know  # type: ignore[literal-required]

    def on_body(self, body: bytes) -> None:
        if self.leaving:
            return
        self._overhead = 0
        self._body_bytes += len(body)
        if self._body_bytes > _LARGE_BODY:
            if self.cycle.response_complete:
                self.part()
                return
            self._seats.hold(self, self._body_bytes)
        super().on_body(body)

    def on_message_complete(self) -> None:
        cycle: Any = self.cycle
        on_short_way = type(cycle) is DirectCycle
        if not on_short_way and self.parser.should_upgrade() and self._has_body():
            return  # its body follows: see _go_on
        self._in_request = False
        self._overhead = 0
        if self._body_bytes > _LARGE_BODY:
            self._seats.release(self)
        if not self.leaving:
            if not on_short_way:
                self._mind_trailers()
            super().on_message_complete()

    def _mind_trailers(self) -> None:
        """Close after this answer where a trailer said so.

        Here a trailer is no header, but to the parser `Connection: close` is one wherever it stands: it would throw all
        that follows away, and the client would wait for an answer that never comes.
        """
        cycle: Any = self.cycle
        if not cycle.keep_alive or self.parser.should_keep_alive():
            return
        cycle.keep_alive = False
        if cycle.response_complete:
            self.part()

    def _has_body(self) -> bool:
        return any(name in _FRAMING and value != b"0" for name, value in self.headers)

    # Answering

    def on_response_complete(self) -> None:
        if not self._known:
            self._seats.touch(self)
        if self.flow.held and len(self.pipeline) <= 1 and not self._unread:  # type: ignore[attr-defined]
            self._hold(False)
        super().on_response_complete()
        if self._unread and not self.pipeline:
            self.loop.call_soon(self._read_on)

    def _read_on(self) -> None:
        """Parse what came while the pipeline was full, now that it is empty."""
        data, self._unread = self._unread, b""
        self.data_received(data)
        if not self.pipeline and not self._unread and not self.transport.is_closing():
            self._hold(False)
            self.flow.resume_reading()

    def _hold(self, held: bool) -> None:
        self.flow.held = held  # type: ignore[attr-defined]
        if held:
            self.flow.pause_reading()

    def _know(self) -> None:
        """It carried a customer's request. Among customers all that counts is who rests: their order is not kept."""
        self._known = True
        self._seats.know(self)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stalls += 1
        self._seats.hold(self, self.transport.get_write_buffer_size() + self._owed())

    def resume_writing(self) -> None:
        super().resume_writing()
        self._seats.release(self)

    def _owed(self) -> int:
        """Bytes of the present answer that were not written yet."""
        return 0 if self.cycle is None else self.cycle.expected_content_length

    # Refusing

    def refuse(self, problem: Problem) -> None:
        """Refuse what is being received, after all answers that are owed, and close."""
        if self.leaving:
            return
        cycle: Any = self.cycle
        if self._in_request and not self._in_head:
            self._refuse_half(cycle, problem)
        elif cycle is None or cycle.response_complete:
            self._write_last(problem)
        else:
            self._refuse_in_turn(problem)
        self.leaving = True

    def _refuse_half(self, cycle: Any, problem: Problem) -> None:
        """Refuse the request whose head is known and whose body is not whole."""
        if self.pipeline and self.pipeline[0][0] is cycle:
            cycle.keep_alive, cycle.more_body = False, False
            self.pipeline[0] = (cycle, self._refusing(problem))
            return
        cycle.disconnected = True
        cycle.message_event.set()
        if cycle.response_started:
            self.part()
        else:
            self._write_last(problem)

    def _refuse_in_turn(self, problem: Problem) -> None:
        """Refuse what is not even a request, behind those that are."""
        refusing = self._refusing(problem)
        super(DirectProtocol, self).on_message_begin()
        scope: Any = self.scope | {"method": "GET", "path": "/", "raw_path": b"/", "query_string": b""}
        cycle = RequestResponseCycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=False,
            on_response=self.on_response_complete,
        )
        cycle.more_body = False
        self.pipeline.appendleft((cycle, refusing))
        self._hold(True)

    def _write_last(self, problem: Problem) -> None:
        reply = self._entry.refusal(problem, dict(self.headers or ()))
        self.transport.write(written(reply, self.server_state.default_headers, keep_alive=False))
        self.part()

    def refusal_of_plain_http(self) -> bytes:
        """What is told in clear to a client that does not speak TLS."""
        problem = invalid("$", "This port speaks HTTPS alone; the request came in plain HTTP")
        reply = self._entry.refusal(problem, {})
        return written(reply, self.server_state.default_headers, keep_alive=False)

    def _answer_with(self, problem: Problem) -> None:
        """Answer a request whose head is known with a refusal, in its turn, and close."""
        app, self.app = self.app, self._refusing(problem)
        short_way, self._short_way = self._short_way, False
        try:
            super().on_headers_complete()
        finally:
            self.app, self._short_way = app, short_way
        self.cycle.keep_alive = False
        self.leaving = True

    def _refusing(self, problem: Problem) -> Any:
        """An application that refuses whatever it is asked."""
        reply = self._entry.refusal(problem, dict(self.headers or ()))

        async def refusing(_scope: Scope, _receive: Receive, send: Send) -> None:
            await send_reply(send, reply)

        return refusing

    # Leaving

    def is_idle(self) -> bool:
        """Whether nothing that it asked for is being worked on; who does not take an answer is idle too."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            return True
        return (cycle.more_body and not self.pipeline) or self.flow.write_paused

    def rests(self) -> bool:
        """Whether it has done nothing for some seconds."""
        return self._stage.doing == "resting" and time.monotonic() - self._since > _UNDER_WAY_SECONDS

    def look(self, now: float) -> tuple[Doing, float]:
        """What it does, and for how many seconds."""
        stage = self._present_stage()
        if stage != self._stage:
            self._stage, self._since = stage, now
        return stage.doing, now - self._since

    def _present_stage(self) -> Stage:
        if self.transport.is_closing():
            return Stage(0, "leaving")
        if self.flow.write_paused:
            return Stage(self._stalls, "reading")
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete and (self.pipeline or not cycle.more_body):
            return Stage(self._requests, "waiting")
        if self.leaving:
            return Stage(0, "leaving")
        return Stage(self._requests, "sending" if cycle is None or self._in_request else "resting")

    def end(self, doing: Doing) -> None:
        """It has taken too long for this."""
        if doing == "sending" and self._in_request:
            self.refuse(Problem("request_timeout"))
        elif doing in ("reading", "leaving"):
            self.transport.abort()
        else:
            self.part()


class _Parting:
    """A transport for a cycle of uvicorn's, which closes it as its connection parts.

    What is written for a client that has gone is dropped: uvicorn tells only the newest of several cycles of it.
    """

    __slots__ = ("_connection", "_write", "is_closing")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._write: Callable[[bytes], None] = connection.transport.write
        self.is_closing: Callable[[], bool] = connection.transport.is_closing

    def write(self, data: bytes) -> None:
        if not self.is_closing():
            self._write(data)

    def close(self) -> None:
        self._connection.part()


async def close_overdue(state: ServerState, *, sending: float, resting: float) -> None:
    """Close each connection that takes too long: `sending` seconds for one request, head or body, or for taking
    64 KiB of an answer; `resting` seconds between two requests.

    One look at all connections a second costs the requests nothing; a timer in each would.
    """
    limits: dict[Doing, float] = {
        "sending": sending,
        "waiting": math.inf,
        "reading": sending,
        "leaving": sending,
        "resting": resting,
    }
    while True:
        await asyncio.sleep(_SWEEP_SECONDS)
        now = time.monotonic()
        for connection in list(state.connections):
            assert isinstance(connection, Connection), "a worker has connections of its own sort alone"
            doing, seconds = connection.look(now)
            if seconds > limits[doing]:
                connection.end(doing)


def _plain_address(host: str) -> str:
    """An IPv4 client of a socket for both families under its own address."""
    if not host.startswith("::ffff:"):
        return host
    mapped = IPv6Address(host.partition("%")[0]).ipv4_mapped
    return host if mapped is None else str(mapped)
