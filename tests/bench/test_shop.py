"""What the builder puts into the tables is what the application leaves there."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from lingdang.clock import system_clock
from lingdang.ledger.causes import cause_of
from lingdang.ledger.reconcile import reconcile
from proof.faults.shop import fill
from proof.shop import Credit, NumberedBooks, add_books, add_coupon, add_customers, build
from support.customers import customer_of, key_of
from support.money import credit, open_settlement
from support.shop import Shop

UNTIL = datetime(2990, 1, 1, tzinfo=UTC)
CREDITS = [Credit("first", "paid", 700), Credit("gift", "bonus", 30, UNTIL), Credit("more", "bonus", 4)]

_WALLET = "SELECT currency, balance, seq, lots, remaining, next_expiry FROM wallet WHERE customer = %s"
_ROWS = """
SELECT currency, seq, kind, amount, balance, accounts, amounts, detail::jsonb - 'reason' - 'expiresAt',
       (detail->>'expiresAt')::timestamptz, cause::text
  FROM transfer WHERE customer = %s ORDER BY seq
"""


def _without_causes(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [row[:-1] for row in rows]


async def test_credits_are_what_the_settlement_makes_of_them(database_url: str) -> None:
    async with open_settlement(database_url) as settlement:
        for each in CREDITS:
            kind = "paid" if each.kind == "paid" else "bonus"
            command = credit("ann", each.amount, credit_id=each.credit_id, kind=kind, expires_at=each.expires_at)
            await settlement.submit(command)
    ann, bob = key_of("ann"), key_of("bob")
    with psycopg.connect(database_url, autocommit=True) as connection:
        add_customers(connection, {"bob": bob}, CREDITS)
        wallets = [connection.execute(_WALLET, (key,)).fetchall() for key in (ann, bob)]
        rows = [connection.execute(_ROWS, (key,)).fetchall() for key in (ann, bob)]
        differences = reconcile(connection).differences
    assert wallets[0] == wallets[1]
    assert _without_causes(rows[0]) == _without_causes(rows[1])
    assert [row[-1] for row in rows[1]] == [str(cause_of(bob, "credit", each.credit_id)) for each in CREDITS]
    assert differences == []


async def test_books_and_coupons_are_those_of_the_shop(shop: Shop) -> None:
    with psycopg.connect(shop.database_url, autocommit=True) as connection:
        add_books(connection, NumberedBooks("b-", 3, "100 + n % 2", title="'Lantern ' || n", words="ARRAY['lantern']"))
        add_customers(connection, {"ann": key_of("ann")})
        add_coupon(connection, "ten", {"kind": "fixed", "amount": 10}, code="TEN", keys=[key_of("ann")])
        assert reconcile(connection).differences == []
    session = shop.sessions.issue(customer_of("ann"), "MD5", None, system_clock())
    headers = {"Authorization": f"Bearer {session.session_token}", "X-Cust-Id": "ann"}
    found = (await shop.http.get("/v1/products", params={"query": "lantern"}, headers=headers)).json()["items"]
    assert sorted((item["productId"], item["price"]) for item in found) == [("b-1", 101), ("b-2", 100), ("b-3", 101)]


def test_a_shop_is_built_once_and_found_again(database_url: str, tmp_path: Path) -> None:
    first, again = build(database_url, tmp_path), build(database_url, tmp_path)
    assert first.url == again.url
    assert first.keyring.path.read_bytes() == again.keyring.path.read_bytes()


@pytest.mark.parametrize("customers", [1, 3])
def test_the_faults_shop_agrees_with_itself(database_url: str, customers: int) -> None:
    fill(database_url, customers)
    with psycopg.connect(database_url, autocommit=True) as connection:
        report = reconcile(connection)
    assert (report.customers, report.transfers, report.differences) == (customers, customers, [])
