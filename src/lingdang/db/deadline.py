"""A deadline for what waits on PostgreSQL: a server that is stopped, or a network that swallows, gives no error."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import structlog

Connection = psycopg.AsyncConnection[Any]

_log = structlog.get_logger(__name__)


@contextmanager
def breaks_after(connection: Connection, seconds: float) -> Iterator[None]:
    """Break the connection when the block takes longer.

    Whoever waits on it sees what they see when the server goes away, and does what they do then.
    """
    timer = asyncio.get_running_loop().call_later(seconds, _break, connection, seconds)
    try:
        yield
    finally:
        timer.cancel()


def _break(connection: Connection, seconds: float) -> None:
    if connection.closed:
        return
    _log.warning("database_silent", seconds=round(seconds, 1))
    # Only its end is announced: the descriptor stays libpq's to close.
    wire = socket.fromfd(connection.pgconn.socket, socket.AF_INET, socket.SOCK_STREAM)
    with wire, contextlib.suppress(OSError):  # it may be gone already
        wire.shutdown(socket.SHUT_RDWR)
