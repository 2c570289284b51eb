"""What the driver's errors mean, and what a caller is told of them. Nobody else tells them apart."""

from typing import Final

import psycopg
from psycopg import errors
from psycopg_pool import PoolTimeout

from lingdang.errors import Problem, retry_later

AWAY: Final = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout)
"""Whatever is raised when the database cannot be reached or went away. Some of it a working server raises, too: of
what reads or may be repeated, all is taken alike."""

_SHORT_OF_SOMETHING = "53"
_OPERATOR_INTERVENED = "57"
_CONNECTION_LOST = "08"
_READ_ONLY = "25006"

_STOPPED_RETRY_SECONDS = 5
"""After how long whoever asked what took too long may ask again."""


def is_away(error: Exception) -> bool:
    """Whether the database, rather than a statement, is at fault: it is unreachable, stopping, read-only or full."""
    if not isinstance(error, psycopg.Error) or error.sqlstate is None:
        return isinstance(error, AWAY)
    return error.sqlstate == _READ_ONLY or error.sqlstate[:2] in (
        _SHORT_OF_SOMETHING,
        _OPERATOR_INTERVENED,
        _CONNECTION_LOST,
    )


def is_locked_out(error: Exception) -> bool:
    """Whether somebody else holds for too long what a statement needs."""
    return isinstance(error, errors.LockNotAvailable)


def was_stopped(error: Exception) -> bool:
    """Whether a statement ran for longer than it may."""
    return isinstance(error, errors.QueryCanceled)


def overloaded(error: Exception) -> Problem:
    """What is told of one of AWAY whoever asked for what did not happen, or may be repeated."""
    return retry_later("overloaded", _STOPPED_RETRY_SECONDS if was_stopped(error) else 1)
