"""Every statement of a function or view compares `bucket` for equality on each table that has one.

A sharded PostgreSQL that is distributed by the bucket then finds the one shard that a statement is for. Plans are read,
not texts: in a plan stands what PostgreSQL itself made of a comparison, for each table that is read or changed.
"""

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from lingdang.db import sql_files
from support.plans import Connection, Statement, explain, statements

_NAME = re.compile(r"^CREATE (?:OR REPLACE )?(FUNCTION|VIEW) (\w+)", re.MULTILINE)
_COMPARISON = re.compile(r"\b(\w+)\.bucket = (\w+\.)?\w+")
_CONDITIONS = ("Index Cond", "TID Cond", "Recheck Cond", "Filter")


def unbound(connection: Connection, text: str) -> list[str]:
    """The tables that the function or view of this file reads or changes without a comparison of their bucket."""
    rows = connection.execute(
        "SELECT attrelid::regclass::text FROM pg_attribute JOIN pg_class c ON c.oid = attrelid"
        " WHERE attname = 'bucket' AND relkind = 'r' AND relnamespace = 'public'::regnamespace"
    ).fetchall()
    bucketed = {name for (name,) in rows}
    return [
        node["Relation Name"]
        for statement in _statements(connection, text)
        for node in explain(connection, statement)
        if node.get("Relation Name") in bucketed and node["Node Type"] != "ModifyTable" and not _is_bound(node)
    ]


def _statements(connection: Connection, text: str) -> Iterator[Statement]:
    found = _NAME.search(text)
    assert found, "a file makes a function or a view"
    kind, name = found.groups()
    if kind == "FUNCTION":
        return statements(connection, name)
    # Whoever reads a view names the bucket: it must reach each table that the view is made of.
    return iter([Statement(name, f"SELECT * FROM {name} WHERE bucket = $1::smallint", [])])


def _is_bound(node: dict[str, Any]) -> bool:
    bucket = rf"(?:{re.escape(node['Alias'])}\.)?bucket"
    equality = re.compile(rf"{bucket} = .+|.+ = {bucket}")
    return any(equality.fullmatch(part) for name in _CONDITIONS for part in _all_of(node.get(name, "")))


def _all_of(condition: str) -> Iterator[str]:
    """The parts of a condition that must all be true, without the brackets around them."""
    depth, start = 0, 1
    for place, character in enumerate(condition):
        depth += (character == "(") - (character == ")")
        if depth == 1 and condition.startswith(" AND ", place):
            yield condition[start:place].removeprefix("(").removesuffix(")")
            start = place + len(" AND ")
    yield condition[start:-1].removeprefix("(").removesuffix(")")


@pytest.mark.parametrize("path", sql_files.FILES)
def test_every_table_is_asked_by_its_bucket(database_url: str, path: str) -> None:
    with psycopg.connect(database_url) as connection:
        assert unbound(connection, sql_files.texts()[path]) == []


@pytest.mark.parametrize("path", [path for path, text in sql_files.texts().items() if _COMPARISON.search(text)])
def test_each_comparison_that_is_taken_away_is_missed(database_url: str, path: str) -> None:
    text = sql_files.texts()[path]
    with psycopg.connect(database_url) as connection:
        for found in _COMPARISON.finditer(text):
            connection.execute(f"{text[: found.start()]}true{text[found.end() :]}".encode())
            assert unbound(connection, text), found[0]
            connection.rollback()


def test_the_ledger_is_among_them() -> None:
    compared = {path for path, text in sql_files.texts().items() if _COMPARISON.search(text)}
    assert compared >= {
        f"ledger/{name}.sql" for name in ("begin", "load", "found", "since", "write", "orders", "right_change")
    }
    assert compared >= {"checkout/facts.sql", "coupons/claim.sql", "cart/tick.sql", "journal/content.sql"}
