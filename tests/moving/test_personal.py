"""One customer's data: exported whole, erased so that the books stay whole, and a custId changed."""

import asyncio
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from click.testing import CliRunner, Result

from lingdang.cli.main import main
from lingdang.clock import system_clock
from lingdang.moving import moves
from support.buyer import Buyer, books, buyer, give, stock
from support.commands import Run
from support.customers import make_known
from support.money import add_products, credit, open_settlement
from support.moving import asked, balances, customer, json_lines, library, lot, require_agreement, right
from support.people import api_key, login, open_session, register
from support.shop import Shop
from support.soon import tell_soon


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
    assert told["notices"] == []
    assert not any(told[name] for name in ("vouchers", "cart", "sessions", "signIns", "answersKept", "pastOrders"))


def test_what_a_customer_was_told_of_is_told(run: Run, database_url: str) -> None:
    end = system_clock() + timedelta(days=1)

    async def expiring() -> None:
        async with open_settlement(database_url) as settlement:
            await settlement.submit(credit("ann", 5, kind="bonus", expires_at=end))
        assert await tell_soon(database_url) == 1

    asyncio.run(expiring())
    [notice] = msgspec.json.decode(run("customer", "export", "ann").stdout)["notices"]
    assert (notice["type"], notice["data"]["amount"]) == ("wallet.expiring", 5)


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


async def outcomes(buyer: Buyer, payment: dict[str, Any]) -> set[int]:
    """How each kind of request that a session makes is answered."""
    ask = partial(buyer.shop.http.request, headers=buyer.headers)
    answers = [
        await ask("GET", "/v1/wallet"),
        await ask("GET", "/v1/products/book-1"),
        await ask("PUT", "/v1/cart/items/book-1", json={}),
        await ask("POST", "/v1/checkout", json={"productIds": ["book-1"]}),
        await ask(
            "POST", "/v1/vouchers/claim", json={"code": "NONE"}, headers=buyer.headers | {"Idempotency-Key": "k"}
        ),
        await buyer.send(payment),
        await ask("DELETE", "/v1/sessions/current"),
    ]
    return {answer.status_code for answer in answers}


@pytest.mark.parametrize("what", [("erase", "--yes", "--despite-bells"), ("rename", "anna")])
async def test_sessions_by_a_platforms_token_end_too(shop: Shop, tmp_path: Path, what: tuple[str, ...]) -> None:
    stock(shop, "book-1")
    for name in ("ann", "bob"):
        await give(shop, name, 500)
    ann, again, bob = buyer(shop), buyer(shop), buyer(shop, "bob")
    payments = [each.payment((await each.checkout("book-1"))["orderToken"], ["book-1"]) for each in (ann, again, bob)]
    before = books(shop)
    command, *options = what
    assert (await asyncio.to_thread(command_on, shop, tmp_path, command, "ann", *options)).exit_code == 0
    assert [await outcomes(each, paid) for each, paid in zip((ann, again), payments[:2], strict=True)] == [{401}, {401}]
    assert books(shop) == before
    assert 401 not in await outcomes(bob, payments[2])


async def signed_in(shop: Shop, cust_id: str) -> Buyer:
    """A session by password, of a customer who is there."""
    opened = (await open_session(shop, custId=cust_id)).json()
    return Buyer(shop, cust_id, opened["sessionToken"], "HMAC-SHA256", opened["signKey"])


async def test_a_session_after_a_renaming_lives(shop: Shop, tmp_path: Path) -> None:
    stock(shop, "book-1")
    await register(shop, "ann")
    await give(shop, "ann", 500)
    assert (await asyncio.to_thread(command_on, shop, tmp_path, "rename", "ann", "anna")).exit_code == 0
    anna = await signed_in(shop, "anna")
    answer = await anna.buy("book-1")
    assert (answer.status_code, (await anna.get("/v1/wallet")).json()["balances"][0]["balance"]) == (200, 400)
    operator = await api_key(shop, "customers:read")
    seen = await shop.http.get("/v1/admin/customers/anna/wallet", headers=operator)
    assert (seen.status_code, seen.json()["balances"][0]["balance"]) == (200, 400)


async def test_of_two_renamings_at_once_each_ends_the_sessions_before_it(shop: Shop, tmp_path: Path) -> None:
    sessions = [await login(shop)]
    for old, new in (("ann", "anna"), ("anna", "anne")):
        assert (await asyncio.to_thread(command_on, shop, tmp_path, "rename", old, new)).exit_code == 0
        sessions.append(await signed_in(shop, new))
    assert [(await each.get("/v1/wallet")).status_code for each in sessions] == [401, 401, 200]


@pytest.mark.parametrize("ahead", [0, 55])
@pytest.mark.parametrize("what", [("erase", "--yes"), ("rename", "anna")])
async def test_a_session_that_was_asked_for_before_has_ended(
    shop: Shop, tmp_path: Path, what: tuple[str, ...], ahead: int
) -> None:
    """Whoever opens it has found the customer by the old name, and issues it after the name has gone.

    The clock of their machine may be so many minutes ahead.
    """
    ann = buyer(shop)
    [customer], asked_at = make_known(shop.database_url, "ann"), system_clock() + timedelta(minutes=ahead)
    command, *options = what
    assert (await asyncio.to_thread(command_on, shop, tmp_path, command, "ann", *options)).exit_code == 0
    issued = shop.sessions.issue(customer, "HMAC-SHA256", None, asked_at)
    late = Buyer(shop, "ann", issued.session_token, "HMAC-SHA256", issued.sign_key)
    assert [(await each.get("/v1/wallet")).status_code for each in (ann, late)] == [401, 401]


def test_whoever_has_a_custid_next_finds_nothing_kept_by_it(run: Run, database_url: str) -> None:
    make_known(database_url, "ann")
    kept = "INSERT INTO idempotency VALUES ('POST /v1/sessions ann', 'k', 'x', 'f', 's', now(), now()) RETURNING 1"
    asked(database_url, kept)
    assert run("customer", "rename", "ann", "anna").exit_code == 0
    assert asked(database_url, "SELECT FROM idempotency") == []


async def test_a_renamed_customer_signs_in_under_the_new_name(shop: Shop, tmp_path: Path) -> None:
    ann = await login(shop)
    assert (await asyncio.to_thread(command_on, shop, tmp_path, "rename", "ann", "auth0|7")).exit_code == 0
    assert (await ann.get("/v1/wallet")).status_code == 401
    assert (await open_session(shop)).status_code == 401
    assert (await (await signed_in(shop, "auth0|7")).get("/v1/wallet")).status_code == 200


def test_nobody_is_renamed_while_a_move_is_under_way(run: Run, ann: None, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as moving:
        moves.join(moving, "main")
        refused = run("customer", "rename", "ann", "anna")
        assert (refused.exit_code, "a move is under way" in refused.stderr) == (1, True)
        assert balances(database_url) == {"ann": 500}
    assert run("customer", "rename", "ann", "anna").exit_code == 0
    assert balances(database_url) == {"anna": 500}


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
