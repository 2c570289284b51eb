"""`lingdang migrate` on a database of one's own: once, told in words or JSON, and again without a change."""

import json
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result

from lingdang.cli.main import main
from lingdang.db.migrate import HEAD, current_revision


@pytest.fixture
def empty(postgres: str) -> Any:
    """The URL of a database in which there is nothing."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE DATABASE unmigrated TEMPLATE template0")
        yield postgres.replace("/postgres?", "/unmigrated?", 1)
        connection.execute("DROP DATABASE unmigrated WITH (FORCE)")


def migrate(url: str, *args: str, **environ: str) -> Result:
    return CliRunner().invoke(main, ["migrate", *args], env={"LINGDANG_DATABASE_URL": url, **environ})


def test_from_nothing_and_again(empty: str) -> None:
    first = migrate(empty, LINGDANG_BUCKETS="4")
    assert (first.exit_code, first.stdout) == (0, f"The database went from revision none to {HEAD}.\n"), first.output
    assert current_revision(empty) == HEAD
    assert migrate(empty).stdout == f"The database is at revision {HEAD} already.\n"
    assert json.loads(migrate(empty, "--json").stdout) == {"before": HEAD, "after": HEAD}
    with psycopg.connect(empty) as connection:
        assert connection.execute("SELECT buckets FROM deployment").fetchone() == (4,)


def test_a_database_that_is_away_is_told_in_one_line() -> None:
    refused = migrate("postgresql://127.0.0.1:1/none")
    assert refused.exit_code == 1
    assert refused.stderr.count("\n") == 1
    assert "cannot be reached" in refused.stderr
