"""A PostgreSQL of the operator's own: whether it is there and new enough."""

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

LEAST_VERSION = 15


class ExternalError(Exception):
    """The database at LINGDANG_DATABASE_URL cannot be used. The message names it without its password."""


def check_version(url: str) -> None:
    """Raises ExternalError when the database cannot be reached or is older than PostgreSQL 15."""
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            row = connection.execute("SELECT current_setting('server_version_num')::int").fetchone()
    except psycopg.OperationalError as error:
        raise ExternalError(f"the database {shown(url)} cannot be reached: {' '.join(str(error).split())}") from None
    except psycopg.ProgrammingError:
        raise ExternalError("LINGDANG_DATABASE_URL is not a PostgreSQL URL") from None
    assert row is not None, "a SELECT without FROM has one row"
    found = int(row[0]) // 10_000
    if found < LEAST_VERSION:
        raise ExternalError(f"the database {shown(url)} is PostgreSQL {found}; Lingdang needs {LEAST_VERSION} or newer")


def shown(url: str) -> str:
    """The URL as it may be printed: where the database is, without user or password."""
    parts = conninfo_to_dict(url)
    where = {name: parts[name] for name in ("host", "port", "dbname") if parts.get(name)}
    return f"({make_conninfo('', **where)})"
