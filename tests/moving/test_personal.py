"""One customer's data: exported whole, erased so that the books stay whole, and a custId changed."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from click.testing import CliRunner, Result

from lingdang.cli.main import main
from support.buyer import Buyer
from support.commands import Run
from support.customers import make_known
from support.money import add_products
from support.moving import asked, balances, customer, json_lines, library, lot, require_agreement, right
from support.people import login, open_session, register
from support.shop import Shop


@pytest.fixture
def ann(move_in: Any, tmp_path: Path) -> None:
    """A customer who was moved in."""
    move_in(json_lines(tmp_path / "rows.jsonl", [customer("ann", groups=["gold"]), lot("ann", 500), right("ann", "a")]))


def test_everything_of_a_customer_is_told(run: Run, ann: None) -> None:
    result = run("customer", "export", "ann")
    assert result.exit_code == 0, result.output
    told = msgspec.json.decode(result.stdout)
    assert (told["custId"], told["groups"]) == ("ann", ["gold"])
    assert [(each["currency"], each["balance"]) for each in told["wallets"]] == [("BELL", 500)]
    assert [(each["seq"], each["kind"]) for each in told["journal"]] == [(1, "credit"), (2, "grant")]
    assert [each["productId"] for each in told["entitlements"]] == ["a"]
    assert told["moves"] == [{"move": "main", "groups": ["gold"]}]
    assert not any(told[name] for name in ("vouchers", "cart", "sessions", "signIns", "answersKept"))


def test_who_has_bells_is_erased_only_where_it_is_said(run: Run, ann: None, database_url: str) -> None:
    refused = run("customer", "erase", "ann", "--yes")
    assert (refused.exit_code, "500 BELL" in refused.stderr) == (1, True)
    assert balances(database_url) == {"ann": 500}
    assert run("customer", "erase", "ann", "--yes", "--despite-bells").exit_code == 0
    assert asked(database_url, "SELECT count(*) FROM customer WHERE customer_id = 'ann'") == [(0,)]
    assert sum(balances(database_url).values()) == 500
    require_agreement(database_url)
    assert run("customer", "export", "ann").exit_code == 1


def test_whoever_is_not_sure_erases_nobody(run: Run, ann: None, database_url: str) -> None:
    assert run("customer", "erase", "ann", "--despite-bells").exit_code == 1  # nobody answers
    assert balances(database_url) == {"ann": 500}


def test_an_erased_customer_leaves_no_trace_of_the_name(
    database_url: str, run: Run, tmp_path: Path, move_in: Any
) -> None:
    make_known(database_url, "ann")
    with psycopg.connect(database_url, autocommit=True) as connection:
        for statement in (
            "INSERT INTO idempotency SELECT 'POST /v1/sessions ' || n, 'k', 'x', 'f', 's', now(), now()"
            "  FROM unnest('{ann,anna}'::text[]) n",
            "INSERT INTO login_attempt SELECT s, '{}', now()"
            "  FROM unnest('{customer ann,known ann 1.2.3.4,customer anna,known anna 1.2.3.4}'::text[]) s",
            "INSERT INTO cart_item SELECT 0, customer, 'a', true, now() FROM customer",
        ):
            connection.execute(statement.encode())
    told = msgspec.json.decode(run("customer", "export", "ann").stdout)
    assert (len(told["signIns"]), len(told["answersKept"]), len(told["cart"])) == (2, 1, 1)
    assert run("customer", "erase", "ann", "--yes").exit_code == 0
    with psycopg.connect(database_url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            rows = connection.execute(f"SELECT FROM {table} t WHERE t::text ~ '\\mann\\M'".encode()).fetchall()
            assert rows == [], table
    assert len(asked(database_url, "SELECT FROM login_attempt")) == 2
    assert len(asked(database_url, "SELECT FROM idempotency")) == 1
    assert asked(database_url, "SELECT FROM cart_item") == []


async def test_an_erased_customer_is_signed_out_and_comes_back_as_a_new_one(shop: Shop, tmp_path: Path) -> None:
    ann: Buyer = await login(shop)
    assert (await ann.get("/v1/wallet")).status_code == 200
    key = shop.sql("SELECT customer FROM customer")[0][0]
    assert (await asyncio.to_thread(command_on, shop, tmp_path, "erase", "ann", "--yes")).exit_code == 0
    assert (await ann.get("/v1/wallet")).status_code == 401
    assert (await open_session(shop)).status_code == 401
    await register(shop, "ann")
    assert (await open_session(shop)).status_code == 201
    assert key not in {row[0] for row in shop.sql("SELECT customer FROM customer WHERE customer_id = 'ann'")}


async def test_a_renamed_customer_signs_in_under_the_new_name(shop: Shop, tmp_path: Path) -> None:
    ann = await login(shop)
    assert (await asyncio.to_thread(command_on, shop, tmp_path, "rename", "ann", "auth0|7")).exit_code == 0
    assert (await ann.get("/v1/wallet")).status_code == 401
    assert (await open_session(shop)).status_code == 401
    assert (await open_session(shop, custId="auth0|7")).status_code == 201


def test_a_renamed_customer_keeps_everything(run: Run, ann: None, database_url: str) -> None:
    assert run("customer", "rename", "ann", "ann@example.com").exit_code == 0
    assert balances(database_url) == {"ann@example.com": 500}
    assert library(database_url) == {("ann@example.com", "a")}
    require_agreement(database_url)


def test_nobody_gets_another_customers_name(run: Run, ann: None, database_url: str) -> None:
    add_products(database_url, "d")
    make_known(database_url, "bob")
    refused = run("customer", "rename", "ann", "bob")
    assert (refused.exit_code, "bob is another customer" in refused.stderr) == (1, True)
    assert balances(database_url) == {"ann": 500}
    assert run("customer", "rename", "nobody", "carl").exit_code == 1
    assert run("customer", "rename", "ann", "a b").exit_code == 2


def command_on(shop: Shop, tmp_path: Path, *arguments: str) -> Result:
    environ = {"LINGDANG_DATABASE_URL": shop.database_url, "LINGDANG_DATA_DIR": str(tmp_path / "data")}
    return CliRunner(env=environ).invoke(main, ["customer", *arguments])
