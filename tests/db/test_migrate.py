"""Which databases a program may run on: its own, those of the release after, and no others."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from lingdang.db import migrate as migrations
from lingdang.db.migrate import HEAD, OLDEST, NotMigratedError, migrate, require_migrated


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_url) as opened:
        yield opened


def test_a_database_whose_functions_are_older_is_refused(
    database_url: str, connection: psycopg.Connection[Any]
) -> None:
    connection.execute("UPDATE sql_file SET digest = '' WHERE path = 'ledger/save.sql'")
    connection.commit()
    with pytest.raises(NotMigratedError, match=r"1 of the database's functions.*ledger/save\.sql.*lingdang migrate"):
        require_migrated(database_url)
    migrate(database_url)
    require_migrated(database_url)


@pytest.mark.parametrize("act", [migrate, require_migrated])
@pytest.mark.parametrize(("revision", "told"), [("0022", "before the first release"), ("9999", "newer")])
def test_a_database_of_another_time_is_refused(
    database_url: str, connection: psycopg.Connection[Any], act: Callable[[str], object], revision: str, told: str
) -> None:
    connection.execute("UPDATE alembic_version SET version_num = %s", (revision,))
    connection.execute("UPDATE deployment SET oldest = %s", (revision,))
    connection.commit()
    with pytest.raises(NotMigratedError, match=told):
        act(database_url)


def test_the_release_before_runs_on_a_newer_database_and_changes_nothing_in_it(
    database_url: str, connection: psycopg.Connection[Any]
) -> None:
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.execute("UPDATE deployment SET oldest = %s", (HEAD,))
    connection.commit()
    require_migrated(database_url)
    assert migrate(database_url) == ("9999", "9999")
    assert connection.execute("SELECT oldest FROM deployment").fetchone() == (HEAD,)


def test_a_database_names_the_release_before(connection: psycopg.Connection[Any]) -> None:
    assert connection.execute("SELECT oldest FROM deployment").fetchone() == (OLDEST,)
    assert migrations.FIRST <= OLDEST <= HEAD
