"""Accepting connections: counted from here, before they have said anything; the handshake has a deadline.

An event loop's own server shows a connection to the application only after its TLS handshake, and does nothing about
those that never begin one.
"""

import asyncio
import errno
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import structlog

from lingdang.serving.connections import Connection
from lingdang.serving.seats import Seats

HANDSHAKE_SECONDS = 10.0
"""From being accepted to the end of the handshake."""
SHUTDOWN_SECONDS = 5.0
"""How long a client may take to confirm the end of a TLS connection."""

_AT_ONCE = 64
"""Connections accepted in one turn of the event loop; the others' requests are read between."""
_PAUSE_SECONDS = 0.1
_TELL_SECONDS = 10.0
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_SHED_AT_ONCE = 16
_HANDSHAKE = 0x16
"""The first byte of a TLS connection."""

_log = structlog.get_logger(__name__)


class Acceptor:
    """Takes connections from `listener`, seats them and brings each to its protocol, over TLS if there is a context."""

    def __init__(
        self,
        listener: socket.socket,
        tls: ssl.SSLContext | None,
        seats: Seats,
        make_protocol: Callable[[], Connection],
    ) -> None:
        self._listener = listener
        self._tls = tls
        self._seats = seats
        self._make_protocol = make_protocol
        self._loop = asyncio.get_running_loop()
        self._greetings: set[asyncio.Task[None]] = set()
        self._told = -_TELL_SECONDS
        self._again: asyncio.TimerHandle | None = None

    def open(self) -> None:
        """Begin to accept."""
        self._again = None
        self._loop.add_reader(self._listener, self._accept)

    def close(self) -> None:
        """Accept no more, and drop those whose handshake is not over."""
        if self._again is not None:
            self._again.cancel()
        self._loop.remove_reader(self._listener)
        for greeting in list(self._greetings):
            greeting.cancel()

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                connection, _ = self._listener.accept()
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    self._make_room(error)
                return
            connection.setblocking(False)
            self._seat(connection)

    def _seat(self, connection: socket.socket) -> None:
        protocol = self._make_protocol()
        self._seats.take(protocol)
        greeting = protocol.greeting = self._loop.create_task(self._greet(connection, protocol))
        self._greetings.add(greeting)
        greeting.add_done_callback(partial(self._greeted, connection, protocol))

    async def _greet(self, connection: socket.socket, protocol: Connection) -> None:
        if self._tls is None:
            await self._loop.connect_accepted_socket(lambda: protocol, connection)
            return
        async with asyncio.timeout(HANDSHAKE_SECONDS):
            first = await self._first_byte(connection)
            if first != _HANDSHAKE:
                if first is not None:
                    _answer_in_clear(connection, protocol.refusal_of_plain_http())
                return
            await self._loop.connect_accepted_socket(
                lambda: protocol,
                connection,
                ssl=self._tls,
                ssl_handshake_timeout=HANDSHAKE_SECONDS,
                ssl_shutdown_timeout=SHUTDOWN_SECONDS,
            )

    def _greeted(self, connection: socket.socket, protocol: Connection, greeting: asyncio.Task[None]) -> None:
        self._greetings.discard(greeting)
        protocol.greeting = None
        error = None if greeting.cancelled() else greeting.exception()
        if error is not None and not isinstance(error, OSError):  # a handshake that fails or takes too long is one
            _log.error("connection_failed", exc_info=error)
        if protocol.transport is None:
            self._seats.leave(protocol)
            connection.close()

    async def _first_byte(self, connection: socket.socket) -> int | None:
        """What a client begins with, left where it is; None when it has gone."""
        readable = self._loop.create_future()
        self._loop.add_reader(connection, _resolve, readable)
        try:
            await readable
        finally:
            self._loop.remove_reader(connection)
        first = connection.recv(1, socket.MSG_PEEK)
        return first[0] if first else None

    def _make_room(self, error: OSError) -> None:
        """No descriptor or memory is left: cut off idle strangers, and look again a little later."""
        shed = sum(self._seats.shed() for _ in range(_SHED_AT_ONCE))
        now = time.monotonic()
        if now - self._told >= _TELL_SECONDS:
            self._told = now
            _log.error("connection_not_accepted", reason=error.strerror, shed=shed)
        self._loop.remove_reader(self._listener)
        self._again = self._loop.call_later(_PAUSE_SECONDS, self.open)


def _resolve(readable: asyncio.Future[None]) -> None:
    if not readable.done():
        readable.set_result(None)


def _answer_in_clear(connection: socket.socket, answer: bytes) -> None:
    """Tell who speaks plain HTTP where TLS is spoken; what it sent is read, or the answer would be lost with it."""
    with suppress(OSError):
        connection.recv(65536)
        connection.send(answer)
        connection.shutdown(socket.SHUT_WR)
