"""What tests of commands share."""

from collections.abc import Callable
from typing import Any

import psycopg
from click.testing import Result

Run = Callable[..., Result]
"""Runs one `lingdang` command."""

GIFT = "UPDATE transfer SET detail = replace(detail::text, 'test', 'gift')::json"
"""Tampers with the reasons of credits."""


def rows(database_url: str, table: str) -> list[tuple[Any, ...]]:
    """All of a table."""
    with psycopg.connect(database_url) as connection:
        return connection.execute(f"SELECT * FROM {table}").fetchall()  # type: ignore[arg-type]
