"""Several statements in one flush, spoken straight to libpq: what a batch costs when it holds a single payment.

psycopg's cursors and pipelines take about 0.9 ms of Python for the four statements of a batch, most of it spent on
choosing how to send each of fifty parameters and on waiting for each statement by itself. Here every parameter goes
as text, lists as PostgreSQL's array literals, and one wait covers them all (PostgreSQL's manual, "Pipeline Mode").
"""

import asyncio
import itertools
import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec
import psycopg
from psycopg import pq
from psycopg.errors import error_from_result

from lingdang.db.pool import Connection, Pool, connection_of

_encode = msgspec.json.Encoder().encode
_OTHER_ESCAPE = re.compile(rb"\\[bfnrtu]")
"""An escape that PostgreSQL's arrays do not know. An escaped backslash before such a letter looks alike: no harm."""
_NUL = "PostgreSQL text cannot contain NUL"

Statement = tuple[bytes, Sequence[Any]]
"""SQL with parameters `$1`, `$2`, …, and their values: text, numbers, UUIDs, moments, or lists of one of these."""

_names = itertools.count()


@cache
def numbered(sql: str) -> bytes:
    """SQL with its `%b` placeholders numbered as libpq wants them."""
    parts = sql.split("%b")
    return "".join(f"{part}${number}" for number, part in enumerate(parts[:-1], 1)).encode() + parts[-1].encode()


async def flush(connection: Connection, *statements: Statement) -> list[bytes | None]:
    """Run the statements one after the other; answers each one's first value as text, None where it has none.

    After one that fails nothing more is run, and its psycopg error is raised. An OperationalError without an SQLSTATE
    means that the connection broke, and that it is not known how far they came.
    """
    texts = [(sql, [_text(value) for value in values]) for sql, values in statements]
    known = connection.flushed
    fresh: dict[bytes, bytes] = {}
    pgconn = connection.pgconn
    pgconn.enter_pipeline_mode()
    try:
        if connection.prepare_threshold is None:  # behind PgBouncer nothing may be prepared
            for sql, parameters in texts:
                pgconn.send_query_params(sql, parameters)
        else:
            fresh = {sql: b"flush_%d" % next(_names) for sql, _ in texts if sql not in known}
            for sql, name in fresh.items():
                pgconn.send_prepare(name, sql)
            for sql, parameters in texts:
                pgconn.send_query_prepared(fresh.get(sql) or known[sql], parameters)
        pgconn.pipeline_sync()
        results = await _results(pgconn)
        pgconn.exit_pipeline_mode()
    except BaseException:
        # Half-read answers must not be taken for those of the next flush.
        pgconn.finish()
        raise
    for result in results:
        if result.status == pq.ExecStatus.FATAL_ERROR:
            raise _error(result)
    known.update(fresh)
    return [result.get_value(0, 0) if result.ntuples else None for result in results[len(fresh) :]]


async def ask(connection: Connection, *statements: Statement) -> bytes:
    """Run the statements; answers what the last one does, a function's one row. Raises as `flush`."""
    answer = (await flush(connection, *statements))[-1]
    assert answer is not None, "a function answers one row"
    return answer


async def first_of(pool: Pool, sql: bytes, values: Sequence[Any]) -> bytes | None:
    """The first value that one statement answers, as its own transaction; None where it answers none.

    For statements that run often: `fetch_all` takes twice as much of the CPU. Raises Problem `overloaded` when the
    database is away, and as `flush`.
    """
    async with connection_of(pool) as connection:
        return (await flush(connection, *limits(pool), (sql, values)))[-1]


def limits(pool: Pool) -> list[Statement]:
    """What is flushed before a statement, in its transaction, where PgBouncer lends the connection."""
    return [(numbered(sql), values) for sql, values in pool.limits()]


def _error(result: pq.abc.PGresult) -> psycopg.Error:
    """What failed. Where the server gave no SQLSTATE it said nothing: it is libpq that found the connection broken."""
    if result.error_field(pq.DiagnosticField.SQLSTATE):
        return error_from_result(result)
    return psycopg.OperationalError(result.get_error_message())


async def _results(pgconn: pq.abc.PGconn) -> list[pq.abc.PGresult]:
    """One result for each thing sent, up to the pipeline's end."""
    while pgconn.flush():
        # The server may not take the rest before it has been rid of an answer.
        await _ready(pgconn.socket, or_writable=True)
        pgconn.consume_input()
    results: list[pq.abc.PGresult] = []
    while True:
        while pgconn.is_busy():
            await _ready(pgconn.socket)
            pgconn.consume_input()
        result = pgconn.get_result()
        if result is None:
            continue
        if result.status == pq.ExecStatus.PIPELINE_SYNC:
            return results
        results.append(result)


async def _ready(socket: int, or_writable: bool = False) -> None:
    """Wait until the socket can be read, or written."""
    loop = asyncio.get_running_loop()
    woken: asyncio.Future[None] = loop.create_future()
    loop.add_reader(socket, _wake, woken)
    if or_writable:
        loop.add_writer(socket, _wake, woken)
    try:
        await woken
    finally:
        loop.remove_reader(socket)
        if or_writable:
            loop.remove_writer(socket)


def _wake(woken: "asyncio.Future[None]") -> None:
    if not woken.done():
        woken.set_result(None)


def _text(value: Any) -> bytes | None:
    """A value as PostgreSQL reads it. Raises psycopg.DataError for text with a NUL, which it cannot hold."""
    if value is None:
        return None
    if isinstance(value, list):
        return array_literal(value) if value else b"{}"
    raw = value.encode() if isinstance(value, str) else _encode(value).strip(b'"')
    if b"\0" in raw:
        raise psycopg.DataError(_NUL)
    return raw


def array_literal(values: Sequence[Any]) -> bytes:
    """An array literal: JSON's array in other brackets, but for its escapes of control characters."""
    encoded = _encode(values)
    if b"\\" in encoded and _OTHER_ESCAPE.search(encoded):
        if any("\0" in value for value in values):
            raise psycopg.DataError(_NUL)
        quoted = [value.replace("\\", "\\\\").replace('"', '\\"') for value in values]
        return ('{"' + '","'.join(quoted) + '"}').encode()
    return b"{%b}" % encoded[1:-1]
