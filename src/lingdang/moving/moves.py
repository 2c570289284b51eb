"""Moves by name: which there were, which were undone, and who is at one now."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg

from lingdang.db.pool import connect_options
from lingdang.deployment import Deployment
from lingdang.errors import CommandError

_LOCK = "SELECT pg_try_advisory_lock{}(7308320, hashtext(%s))"
# Moves share the first. Renamings come one after the other, so that whoever has the first is a move.
_NO_RENAMING = "SELECT pg_advisory_lock_shared(7308321, 0)"
_RENAMING = "SELECT pg_advisory_xact_lock(7308321, 1)"
_NO_MOVE = "SELECT pg_try_advisory_xact_lock(7308321, 0)"
_BEGIN = "INSERT INTO move (name, begun_at) VALUES (%s, %s) ON CONFLICT DO NOTHING"
_UNDONE = "SELECT undone_at IS NOT NULL FROM move WHERE name = %s"


@contextmanager
def session(deployment: Deployment) -> Iterator[psycopg.Connection[Any]]:
    """A session of one's own on the database, in autocommit mode. Raises CommandError behind PgBouncer."""
    if deployment.settings.pgbouncer:
        raise CommandError(
            "moving needs sessions of its own: name PostgreSQL itself in LINGDANG_DATABASE_URL, not PgBouncer"
        )
    with psycopg.connect(deployment.database_url, **connect_options(False)) as connection:
        yield connection


def reason_of(name: str) -> str:
    """With what the journal has the credits and grants of a move."""
    return f"Moved in: {name}"


def is_undone(connection: psycopg.Connection[Any], name: str) -> bool | None:
    """Whether the move was undone; None where there was no such move."""
    row = connection.execute(_UNDONE, (name,)).fetchone()
    return None if row is None else bool(row[0])


def join(connection: psycopg.Connection[Any], name: str) -> None:
    """Take part in a move, for as long as the session. Raises CommandError for one that is, or was, undone."""
    if not _lock(connection, "_shared", name) or is_undone(connection, name):
        raise CommandError(f"the move {name} was undone: give this one another name")


def begin(connection: psycopg.Connection[Any], name: str, now: datetime) -> None:
    """Remember that there is this move."""
    connection.execute(_BEGIN, (name, now))


def take_back(connection: psycopg.Connection[Any], name: str) -> None:
    """Have a move to oneself for the session. Raises CommandError where there is none, or others are at it."""
    if is_undone(connection, name) is None:
        raise CommandError(f"there was no move {name}")
    if not _lock(connection, "", name):
        raise CommandError(f"the move {name} is under way: wait for its end, or stop it")


def require_none(connection: psycopg.Connection[Any]) -> None:
    """Until the transaction's end none begins. Raises CommandError while any is under way, or is being undone."""
    connection.execute(_RENAMING)
    if connection.execute(_NO_MOVE).fetchone() != (True,):
        raise CommandError("a move is under way, whose rows go by custIds: wait for its end")


def _lock(connection: psycopg.Connection[Any], kind: str, name: str) -> bool:
    connection.execute(_NO_RENAMING)
    row = connection.execute(_LOCK.format(kind).encode(), (name,)).fetchone()
    return row == (True,)
