"""`lingdang customer` and `lingdang apikey` on a database of one's own."""

import json
from typing import Any

import psycopg
import pytest
from argon2 import PasswordHasher

from support.commands import rows


def test_customer_add(run: Any, database_url: str) -> None:
    first = run("customer", "add", "ann", "--json")
    assert first.exit_code == 0, first.output
    assert json.loads(first.stdout) == {
        "custId": "ann",
        "created": True,
        "createdAt": json.loads(first.stdout)["createdAt"],
    }
    again = run("customer", "add", "ann", "--password-stdin", stdin="correct horse\n")
    assert (again.exit_code, again.stdout) == (0, "ann: there already, password set\n")
    with psycopg.connect(database_url) as connection:
        stored = connection.execute("SELECT password_hash FROM customer").fetchone()
    assert stored
    assert PasswordHasher().verify(stored[0], "correct horse")
    assert run("customer", "add", "bob").stdout == "bob: added\n"


def test_customer_add_refuses(run: Any, database_url: str) -> None:
    for args, stdin, reason in (
        (("a b",), "", "1 to 128 of"),
        (("ann", "--password-stdin"), "seven77\n", "8 to 256 characters"),
        (("ann", "--password-stdin"), "", "8 to 256 characters"),
    ):
        result = run("customer", "add", *args, stdin=stdin)
        assert result.exit_code == 2
        assert reason in result.stderr
        assert "seven77" not in result.output
    assert rows(database_url, "customer") == []


@pytest.mark.parametrize("args", [("customer", "add"), ("apikey", "create"), ("apikey", "list"), ("apikey", "revoke")])
def test_help(run: Any, args: tuple[str, ...]) -> None:
    result = run(*args, "--help")
    assert result.exit_code == 0
    assert "Usage: " in result.stdout
