"""Migrations: Alembic's, run at start for the embedded database and by `lingdang migrate` for another."""

from pathlib import Path

import psycopg

_MIGRATIONS = Path(__file__).parent / "migrations"
HEAD = max(path.stem.split("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))
"""The newest revision this code knows; revisions are numbered and form one line."""


class NotMigratedError(Exception):
    """The database is not at this code's revision. The message says what to do."""


def current_revision(url: str) -> str | None:
    """The revision that the database is at, or None before the first migration."""
    with psycopg.connect(url, connect_timeout=10) as connection:
        if connection.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,):
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return None if row is None else str(row[0])


def require_migrated(url: str) -> None:
    """Raises NotMigratedError unless the database is exactly at HEAD."""
    current = current_revision(url)
    if current is None or current < HEAD:
        raise NotMigratedError(
            f"the database is at revision {current or 'none'}, this version needs {HEAD}: run `lingdang migrate` first"
        )
    if current > HEAD:
        raise NotMigratedError(
            f"the database is at revision {current}, newer than {HEAD} of this version: use a newer Lingdang"
        )


def migrate(url: str, buckets: int = 1, target: str = HEAD) -> tuple[str | None, str]:
    """Bring the database to `target` in one transaction. Returns the revisions before and after."""
    before = current_revision(url)
    if before == target:
        return before, target
    if before is not None and before > HEAD:
        require_migrated(url)
    from alembic import command  # imported here: it takes longer than most starts need altogether
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["url"] = url
    config.attributes["buckets"] = buckets
    command.upgrade(config, target)
    return before, target
