"""Functions and views: a file each, applied when it changed, beside workers that go on paying."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from lingdang.db import migrate as migrations
from lingdang.db import sql_files
from lingdang.db.migrate import HEAD, migrate, require_migrated
from lingdang.ledger.reconcile import reconcile
from support.buyer import buyer, give, stock
from support.shop import Shop

_OBJECT = re.compile(r"^\s*CREATE (?:OR REPLACE )?(?:FUNCTION|VIEW) (\w+)", re.MULTILINE)
_OURS = """
SELECT proname AS name, pg_get_functiondef(p.oid) AS text FROM pg_proc p WHERE pronamespace = 'public'::regnamespace
UNION ALL
SELECT viewname, definition FROM pg_views WHERE schemaname = 'public'
ORDER BY name
"""


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_url) as opened:
        yield opened


def ours(connection: psycopg.Connection[Any]) -> list[tuple[str, str]]:
    return connection.execute(_OURS).fetchall()


def names(text: str) -> list[str]:
    return _OBJECT.findall(text)


_SIGNATURES = """
SELECT format('%s(%s) %s', proname, pg_get_function_identity_arguments(oid), pg_get_function_result(oid))
  FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL
SELECT format('%s: %s', table_name, string_agg(column_name || ' ' || data_type, ', ' ORDER BY ordinal_position))
  FROM information_schema.columns WHERE table_schema = 'public' AND table_name IN (
       SELECT viewname FROM pg_views WHERE schemaname = 'public')
 GROUP BY table_name
"""


def test_what_workers_of_the_version_before_call_is_still_there(connection: psycopg.Connection[Any]) -> None:
    """Another signature is another name, and one line more in the file; a line goes a release after its last caller.

    A view may have columns more, at its end.
    """
    kept = (Path(__file__).parent / "signatures.txt").read_text("utf-8").splitlines()
    assert sorted(line for (line,) in connection.execute(_SIGNATURES).fetchall()) == kept


def test_each_function_and_view_has_one_file(connection: psycopg.Connection[Any]) -> None:
    versions = Path(migrations.__file__).parent / "migrations" / "versions"
    texts = [*sql_files.texts().values(), *(path.read_text("utf-8") for path in versions.glob("*.py"))]
    written = sorted(name for text in texts for name in names(text))
    assert written == sorted({name for name, _ in ours(connection)})
    assert all(len(names(text)) == 1 for text in sql_files.texts().values())


def test_every_sql_file_is_in_the_list() -> None:
    package = Path(sql_files.__file__).parent.parent
    found = {path.relative_to(package).as_posix() for path in package.rglob("*.sql")}
    assert found == set(sql_files.FILES)


def test_what_is_made_anew_is_what_a_fresh_database_has(database_url: str, connection: psycopg.Connection[Any]) -> None:
    fresh = ours(connection)
    for text in reversed(sql_files.texts().values()):
        kind = "VIEW" if "CREATE OR REPLACE VIEW" in text else "FUNCTION"
        connection.execute(f"DROP {kind} {names(text)[0]} CASCADE".encode())
    connection.execute("DELETE FROM sql_file")
    connection.commit()
    assert len(ours(connection)) < len(fresh)
    connection.commit()
    assert migrate(database_url) == (HEAD, HEAD)
    assert ours(connection) == fresh


def test_only_what_changed_is_applied(connection: psycopg.Connection[Any]) -> None:
    files = sql_files.texts()
    assert sql_files.apply(connection, files) == []
    files["cart/lock.sql"] += "-- other\n"
    assert sql_files.apply(connection, files) == ["cart/lock.sql"]
    assert sql_files.apply(connection, files) == []


def test_views_are_made_anew_together(connection: psycopg.Connection[Any]) -> None:
    files = sql_files.texts()
    fresh = ours(connection)
    assert files["ledger/orders.sql"].count("balance,") == 1
    files["ledger/orders.sql"] = files["ledger/orders.sql"].replace("balance,", "balance, balance AS again,")
    views = [path for path, text in files.items() if " VIEW " in text]
    assert sql_files.apply(connection, files) == views
    changed = dict(ours(connection))
    assert "again" in changed["orders"]
    assert changed.keys() == dict(fresh).keys()
    sql_files.apply(connection, sql_files.texts())
    assert ours(connection) == fresh


def test_an_older_program_applies_nothing(database_url: str, connection: psycopg.Connection[Any]) -> None:
    files = sql_files.texts()
    files["cart/lock.sql"] += "-- of a newer version\n"
    sql_files.apply(connection, files, sql_files.VERSION + 1)
    connection.commit()
    assert sql_files.apply(connection, sql_files.texts()) == []
    require_migrated(database_url)


async def test_workers_go_on_while_files_are_applied(shop: Shop) -> None:
    """A worker of the version before pays, ticks and checks out while another version's migration comes, many times."""
    ann = buyer(shop)
    stock(shop, *(f"b-{n}" for n in range(40)), price=1)
    await give(shop, "ann", 1000)
    files = sql_files.texts()

    def apply_all(number: int) -> None:
        changed = {path: f"{text}-- {number}\n" for path, text in files.items()}
        with psycopg.connect(shop.database_url) as connection:
            assert len(sql_files.apply(connection, changed)) == len(files)

    async def pay() -> None:
        for number in range(40):
            assert (await ann.buy(f"b-{number}")).status_code == 200

    paying = asyncio.create_task(pay())
    number = 0
    while not paying.done():
        number += 1
        await asyncio.to_thread(apply_all, number)
    await paying
    assert number > 1
    with psycopg.connect(shop.database_url, autocommit=True) as connection:
        assert reconcile(connection).differences == []
