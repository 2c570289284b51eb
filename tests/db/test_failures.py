"""The driver's errors: whose fault each is, and what is told of it."""

import psycopg
import pytest
from psycopg import errors
from psycopg_pool import PoolTimeout, TooManyRequests

from lingdang.db.failures import AWAY, is_away, is_locked_out, overloaded, was_stopped


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (psycopg.OperationalError("the connection broke"), True),
        (psycopg.InterfaceError("the connection is closed"), True),
        (PoolTimeout(), True),
        (TooManyRequests(), True),
        (errors.ConnectionFailure(), True),
        (errors.AdminShutdown(), True),
        (errors.CannotConnectNow(), True),
        (errors.DiskFull(), True),
        (errors.ReadOnlySqlTransaction(), True),
        (errors.DeadlockDetected(), False),
        (errors.LockNotAvailable(), False),
        (errors.UniqueViolation(), False),
        (errors.CheckViolation(), False),
        (ZeroDivisionError(), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whether_the_database_is_at_fault(error: Exception, away: bool) -> None:
    assert is_away(error) is away


def test_who_waited_too_long_is_told_to_come_back_later() -> None:
    stopped, locked, broken = errors.QueryCanceled(), errors.LockNotAvailable(), psycopg.OperationalError()
    assert all(isinstance(error, AWAY) for error in (stopped, locked, broken))
    assert [was_stopped(error) for error in (stopped, locked, broken)] == [True, False, False]
    assert [is_locked_out(error) for error in (stopped, locked, broken)] == [False, True, False]
    told = [overloaded(error) for error in (stopped, locked, broken)]
    assert [(problem.code, problem.headers["Retry-After"]) for problem in told] == [
        ("overloaded", "5"),
        ("overloaded", "1"),
        ("overloaded", "1"),
    ]
