"""`lingdang customer` and `lingdang apikey` on a database of one's own."""

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
from argon2 import PasswordHasher
from click.testing import CliRunner, Result

from lingdang.cli.main import main


@pytest.fixture
def run(database_url: str, tmp_path: Path) -> Any:
    """Runs one `lingdang` command on the test's database."""

    def run(*args: str, stdin: str = "") -> Result:
        environ = {"LINGDANG_DATABASE_URL": database_url, "LINGDANG_DATA_DIR": str(tmp_path / "data")}
        return CliRunner().invoke(main, list(args), input=stdin, env=environ)

    return run


def rows(database_url: str, table: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database_url) as connection:
        return connection.execute(f"SELECT * FROM {table}").fetchall()


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


def test_apikey_create_list_revoke(run: Any, database_url: str) -> None:
    created = run("apikey", "create", "erp", "--scope", "orders:read", "--scope", "catalog:write")
    assert created.exit_code == 0, created.output
    assert created.stdout.startswith("ld_"), "standard output is the key alone"
    assert len(created.stdout) == 64
    as_json = json.loads(run("apikey", "create", "crm", "--scope", "customers:write", "--json").stdout)
    assert (as_json["name"], as_json["scopes"], len(as_json["key"])) == ("crm", ["customers:write"], 63)

    taken = run("apikey", "create", "erp", "--scope", "orders:read")
    assert (taken.exit_code, "in use" in taken.stderr) == (1, True)
    assert run("apikey", "revoke", "erp").stdout == "erp: revoked\n"
    assert run("apikey", "revoke", "erp").exit_code == 1

    listed = run("apikey", "list")
    assert f"erp  {created.stdout[:20]}…  catalog:write, orders:read  since" in listed.stdout
    assert "revoked" in listed.stdout
    assert [(row["name"], row["revokedAt"] is None) for row in json.loads(run("apikey", "list", "--json").stdout)] == [
        ("erp", False),
        ("crm", True),
    ]
    for secret in (created.stdout[20:].strip(), as_json["key"][20:]):
        assert secret not in listed.stdout


def test_apikey_create_refuses(run: Any, database_url: str) -> None:
    for args in (("erp",), ("erp", "--scope", "everything"), ("a b", "--scope", "orders:read")):
        assert run("apikey", "create", *args).exit_code == 2
    assert rows(database_url, "api_key") == []


def test_a_key_s_days_are_those_of_the_shop_s_zone(run: Any, database_url: str) -> None:
    run("apikey", "create", "erp", "--scope", "orders:read")
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE api_key SET created_at = '2026-01-31 20:00Z', revoked_at = '2026-02-28 16:00Z'")
    assert "since 2026-02-01, revoked 2026-03-01" in run("apikey", "list").stdout


@pytest.mark.parametrize("args", [("customer", "add"), ("apikey", "create"), ("apikey", "list"), ("apikey", "revoke")])
def test_help(run: Any, args: tuple[str, ...]) -> None:
    result = run(*args, "--help")
    assert result.exit_code == 0
    assert "Usage: " in result.stdout
