"""Migrations: Alembic's tables, then functions and views, run at start for the embedded database and by
`lingdang migrate` for another."""

from pathlib import Path

import psycopg

from lingdang.db import sql_files

_MIGRATIONS = Path(__file__).parent / "migrations"
_REVISIONS = sorted(path.stem.split("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))
FIRST, HEAD = _REVISIONS[0], _REVISIONS[-1]
"""The oldest and the newest revision this code knows; revisions are numbered and form one line."""


class NotMigratedError(Exception):
    """The database is not at this code's revision. The message says what to do."""


def current_revision(url: str) -> str | None:
    """The revision that the database is at, or None before the first migration."""
    with psycopg.connect(url, connect_timeout=10) as connection:
        return _revision(connection)


def require_migrated(url: str) -> None:
    """Raises NotMigratedError unless the database is exactly at HEAD, with functions and views as they are here."""
    with psycopg.connect(url, connect_timeout=10) as connection:
        current = _revision(connection)
        _require_known(current)
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

    Raises NotMigratedError for a database of a version that is newer, or from before the first release.
    """
    with psycopg.connect(url, connect_timeout=10) as connection:
        before = _revision(connection)
        _require_known(before)
        if before == HEAD and not sql_files.changed(connection, sql_files.texts()):
            return before, HEAD
    from alembic import command  # imported here: it takes longer than most starts need altogether
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["url"] = url
    config.attributes["buckets"] = buckets
    command.upgrade(config, HEAD)
    return before, HEAD


def _revision(connection: psycopg.Connection) -> str | None:
    if connection.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,):
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def _require_known(current: str | None) -> None:
    if current is not None and current > HEAD:
        raise NotMigratedError(
            f"the database is at revision {current}, newer than {HEAD} of this version: use a newer Lingdang"
        )
    if current is not None and current < FIRST:
        raise NotMigratedError(
            f"the database is at revision {current}, from before the first release, and cannot be brought to {HEAD}:"
            " begin with a new one"
        )
