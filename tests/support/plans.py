"""Plans of the statements inside the SQL functions, as their parameters are not known yet."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import TupleRow

FUNCTIONS = (
    "ledger_load",
    "ledger_found",
    "ledger_since",
    "ledger_write",
    "checkout_facts",
    "cart_tick",
    "products_read",
    "catalogue_load",
)
RECORDS = ("coupon", "coupon_code", "product")
"""Types of variables that have fields: rows of these tables."""

_SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|PERFORM|WITH)\b.*", re.DOTALL)
_INTO = re.compile(r"\bINTO\s+([\w, ]+?)\s*(?=\bFROM\b|$)", re.DOTALL)
_COLUMNS = re.compile(r"(\bAS \w+ \([\w\s,]*\))")
_COMMENT = re.compile(r"--.*")

Connection = psycopg.Connection[TupleRow]


class Statement(NamedTuple):
    """One statement of a function, its variables as `$1`, `$2`, …"""

    function: str
    text: str
    settings: list[str]


def statements(connection: Connection, function: str) -> Iterator[Statement]:
    """Every statement of a function. Its body has no semicolon within a statement."""
    row = connection.execute(
        "SELECT prosrc, proargnames, proargtypes::regtype[]::text[], proconfig, lanname"
        "  FROM pg_proc p JOIN pg_language l ON l.oid = prolang WHERE proname = %s",
        (function,),
    ).fetchone()
    assert row is not None, f"{function} is there"
    source, names, types, settings, language = row
    source = _COMMENT.sub("", source)
    head, _, code = ("", "", source) if language == "sql" else source.partition("BEGIN")
    variables = dict(zip(names or [], types, strict=False)) | _declared(head.replace("DECLARE", ""))
    for part in code.split(";"):
        found = _SQL.search(part)
        if found and "RAISE" not in part:
            yield Statement(function, _parameterised(_plain(found[0]), variables), list(settings or []))


def _declared(head: str) -> dict[str, str]:
    """Local variables with their types: `a json; b json := …`."""
    found: dict[str, str] = {}
    for part in head.split(";"):
        words = part.split(":=")[0].split()
        if len(words) >= 2:
            found[words[0]] = " ".join(words[1:])
    return found


def _plain(text: str) -> str:
    """A statement as SQL has it: no INTO, no PERFORM, no bracket of a RETURN around it."""
    text = re.sub(r"^PERFORM\b", "SELECT", text.strip())
    if not text.startswith("INSERT"):
        text = _INTO.sub("", text, count=1)
    while text.count(")") > text.count("("):
        text = text[: text.rindex(")")]
    return text


def _parameterised(text: str, variables: dict[str, str]) -> str:
    """The statement with its variables as parameters; names of columns that it makes are no variables."""
    parts = _COLUMNS.split(text)
    return "".join(part if place % 2 else _with_parameters(part, variables) for place, part in enumerate(parts))


def _with_parameters(text: str, variables: dict[str, str]) -> str:
    for number, (name, kind) in enumerate(variables.items(), 1):
        text = re.sub(rf"(?<!AS )(?<![\w.'\"]){name}(?![\w'\"])(?!\s*\.)", f"${number}::{kind}", text)
        if kind in RECORDS:
            text = re.sub(rf"(?<![\w.]){name}\.(?=\w)", f"(${number}::{kind}).", text)
    return text


def explain(connection: Connection, statement: Statement) -> list[dict[str, Any]]:
    """All nodes of the statement's generic plan, under the function's own settings."""
    with connection.transaction(force_rollback=True):
        for setting in statement.settings:
            name, _, value = setting.partition("=")
            connection.execute(f"SET LOCAL {name} = '{value}'".encode())
        row = connection.execute(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {statement.text}".encode()).fetchone()
    assert row is not None, "a plan is one row"
    return list(_nodes(row[0][0]["Plan"]))


def reads_all(connection: Connection, node: dict[str, Any]) -> bool:
    """Whether a node reads its table from end to end, or an index of it: without a condition on its first column."""
    if "Index Name" not in node:
        return str(node["Node Type"]) == "Seq Scan"
    row = connection.execute("SELECT pg_get_indexdef(%s::regclass, 1, true)", (node["Index Name"],)).fetchone()
    assert row is not None, "an index has a column"
    return not node.get("Index Cond", "").lstrip("(").startswith(f"{row[0].lstrip('(')} =")


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)
