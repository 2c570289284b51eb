"""`lingdang apikey` on a database of one's own."""

import json
from typing import Any

import psycopg

from support.commands import rows


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
