"""Migrations: Alembic's tables, then functions and views, run at start for the embedded database and by
`lingdang migrate` for another."""

import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from lingdang.db import sql_files

_ATTEMPTS = 100
_PAUSE_SECONDS = 0.5
_MIGRATIONS = Path(__file__).parent / "migrations"
_REVISIONS = sorted(path.stem.split("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))
FIRST, HEAD = _REVISIONS[0], _REVISIONS[-1]
"""The oldest and the newest revision this code knows; revisions are numbered and form one line."""
OLDEST = "0026"
"""HEAD of the release before. Its programs may run on a database of this one: while machines are upgraded one after the
other, and when one goes back. The database has it in `deployment.oldest`, for them to read."""
AT = """
SELECT version_num = %b OR (version_num > %b AND (SELECT oldest <= %b FROM deployment)) FROM alembic_version
"""
"""Whether programs may run on the database whose HEAD is the parameters'."""


class NotMigratedError(Exception):
    """The database is not at this code's revision. The message says what to do."""


def current_revision(url: str) -> str | None:
    """The revision that the database is at, or None before the first migration."""
    with psycopg.connect(url, connect_timeout=10) as connection:
        return _revision(connection)


def require_migrated(url: str) -> None:
    """Raises NotMigratedError unless the database is at HEAD, with functions and views as they are here, or at a newer
    revision whose release says that programs of this one may run beside it."""
    with psycopg.connect(url, connect_timeout=10) as connection:
        current = _revision(connection)
        _require_known(connection, current)
        if current is None or current < HEAD:
            raise NotMigratedError(
                f"the database is at revision {current or 'none'}, this version needs {HEAD}:"
                " run `lingdang migrate` first"
            )
        if paths := sql_files.changed(connection, sql_files.texts()):
            raise NotMigratedError(
                f"{len(paths)} of the database's functions and views are not this version's ({paths[0]}):"
                " run `lingdang migrate` first"
            )


def migrate(url: str, buckets: int = 1) -> tuple[str | None, str]:
    """Bring the database to HEAD in one transaction, with functions and views. Returns the revisions before and after.

    Leaves a newer database alone whose release says that programs of this one may run beside it. Raises
    NotMigratedError for another newer one, and for one from before the first release, and psycopg's LockNotAvailable
    or DeadlockDetected when others have been in the way for long.
    """
    with psycopg.connect(url, connect_timeout=10) as connection:
        before = _revision(connection)
        _require_known(connection, before)
        if before is not None and before > HEAD:
            return before, before
        if before == HEAD and not sql_files.changed(connection, sql_files.texts()):
            return before, HEAD
    from alembic import command  # imported here: it takes longer than most starts need altogether
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["url"] = url
    config.attributes["buckets"] = buckets
    _patiently(lambda: command.upgrade(config, HEAD))
    return before, HEAD


def _patiently(upgrade: Callable[[], None]) -> None:
    """Upgrade, again and again where workers that go on meanwhile were in the way: nothing has been changed then."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return upgrade()
        except (psycopg.errors.DeadlockDetected, psycopg.errors.LockNotAvailable):
            time.sleep(_PAUSE_SECONDS)
    return upgrade()


def _revision(connection: psycopg.Connection) -> str | None:
    if connection.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,):
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def _require_known(connection: psycopg.Connection, current: str | None) -> None:
    if current is not None and current > HEAD and connection.execute(AT, (HEAD,) * 3).fetchone() != (True,):
        raise NotMigratedError(
            f"the database is at revision {current}, newer than {HEAD} of this version: use a newer Lingdang"
        )
    if current is not None and current < FIRST:
        raise NotMigratedError(
            f"the database is at revision {current}, from before the first release, and cannot be brought to {HEAD}:"
            " begin with a new one"
        )
