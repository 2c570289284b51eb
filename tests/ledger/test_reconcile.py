"""Reconciliation finds every kind of tampering, and nothing in clean books."""

from datetime import timedelta

import psycopg
import pytest

from lingdang.clock import system_clock
from lingdang.ledger.reconcile import CHECKS, SHARED_CHECKS, Report, reconcile
from support.money import credit, line, open_settlement, pay


def compare(database_url: str) -> Report:
    with psycopg.connect(database_url, autocommit=True) as connection:
        return reconcile(connection)


async def fill(database_url: str) -> None:
    """Two customers with two lots each and an order of two books, one of which was discounted."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO product (product_id, title, currency, price, list_price, created_at, updated_at)"
            " SELECT 'book-' || i, 'T', 'BELL', 100, 100, now(), now() FROM generate_series(1, 2) i"
        )
        connection.execute(
            "INSERT INTO coupon (coupon_id, definition, status, per_customer, claimed, created_at, updated_at)"
            " VALUES ('ten', '{}', 'active', 1, 1, now(), now())"
        )
        connection.execute("INSERT INTO voucher VALUES (0, 'ann', gen_random_uuid(), 'ten', now(), now())")
    async with open_settlement(database_url) as settlement:
        for name in ("ann", "bob"):
            await settlement.submit(credit(name, 300, credit_id="first"))
            soon = system_clock() + timedelta(days=1)
            await settlement.submit(credit(name, 50, kind="bonus", expires_at=soon, credit_id="second"))
            await settlement.submit(pay(name, line("book-1", 100), line("book-2", 60, 10, publisher=None)))


async def test_clean_books(database_url: str) -> None:
    await fill(database_url)
    report = compare(database_url)
    assert report.differences == []
    assert (report.customers, report.orders, report.transfers) == (2, 2, 6)


async def test_an_empty_shop_is_clean(database_url: str) -> None:
    assert compare(database_url) == Report(0, 0, 0, [])


# Each kind of tampering, with the checks that must see it. Constraints that would stop it are dropped first.
TAMPERING = {
    "a balance raised": (
        "UPDATE wallet SET balance = balance + 1 WHERE customer_id = 'ann'",
        {"balance_is_its_entries", "balance_is_its_lots"},
    ),
    "a balance and its lot raised": (
        "UPDATE wallet SET balance = balance + 1, remaining[1] = remaining[1] + 1 WHERE customer_id = 'ann'",
        {"balance_is_its_entries", "lots_are_their_entries"},
    ),
    "bonus made paid": (
        "UPDATE wallet SET lots[1] = 'bonus' WHERE customer_id = 'ann'",
        {"lots_are_their_entries"},
    ),
    "a transfer removed": (
        "DELETE FROM transfer WHERE customer_id = 'ann' AND seq = 2",
        {"running_balance", "balance_is_its_entries", "lots_are_their_entries", "credit_has_its_entry"},
    ),
    "a leg changed": (
        "UPDATE transfer SET amounts[1] = amounts[1] - 5 WHERE customer_id = 'ann' AND kind = 'payment'",
        {"transfer_sums_to_zero", "transfer_amount_is_its_wallet_legs", "lots_are_their_entries"},
    ),
    "an order removed": (
        "DELETE FROM orders WHERE customer_id = 'ann'",
        {"balance_is_its_entries", "lots_are_their_entries", "order_has_its_entitlements"},
    ),
    "an order made cheaper": (
        "UPDATE transfer SET discount = 1 WHERE customer_id = 'ann' AND kind = 'payment'",
        {"order_adds_up"},
    ),
    "an entitlement removed": (
        "DELETE FROM entitlement WHERE customer_id = 'ann' AND product_id = 'book-1'",
        {"order_has_its_entitlements"},
    ),
    "an entitlement slipped in": (
        "INSERT INTO entitlement SELECT 0, 'carl', 'book-1', gen_random_uuid()",
        {"order_has_its_entitlements"},
    ),
    "a wallet slipped in": (
        "INSERT INTO wallet (bucket, customer_id, currency, balance, seq, lots, remaining)"
        " VALUES (0, 'carl', 'BELL', 5, 1, '{paid}', '{5}')",
        {"balance_is_its_entries", "lots_are_their_entries"},
    ),
    "a wallet removed": (
        "DELETE FROM wallet WHERE customer_id = 'bob'",
        {"balance_is_its_entries", "lots_are_their_entries"},
    ),
    "a voucher used by nobody": (
        "UPDATE voucher SET used_by = gen_random_uuid(), used_at = now(), saved = 5 WHERE customer_id = 'ann'",
        {"order_has_its_vouchers"},
    ),
    "a voucher named by an order that did not use it": (
        "UPDATE transfer SET coupons = json_build_array(json_build_array(gen_random_uuid(), coalesce(discount, 0)))"
        " WHERE customer_id = 'ann' AND kind = 'payment'",
        {"order_has_its_vouchers"},
    ),
    "a voucher that saved something else": (
        "WITH o AS (UPDATE transfer SET coupons = (SELECT json_build_array(json_build_array(voucher_id, 1))"
        " FROM voucher WHERE customer_id = 'ann') WHERE customer_id = 'ann' AND kind = 'payment' RETURNING order_id)"
        " UPDATE voucher SET used_by = order_id, used_at = now(), saved = 1 FROM o WHERE customer_id = 'ann'",
        {"discount_is_its_vouchers"},
    ),
    "a voucher slipped in": (
        "INSERT INTO voucher VALUES (0, 'bob', gen_random_uuid(), 'ten', now(), now())",
        {"claimed_is_its_vouchers"},
    ),
    "a code without its voucher": (
        "INSERT INTO coupon_code VALUES (sha256('x'), 'ten', 'bob', gen_random_uuid())",
        {"code_has_its_voucher"},
    ),
    "a credit removed": ("DELETE FROM credit WHERE credit_id = 'first'", {"credit_has_its_entry"}),
}


@pytest.mark.parametrize("name", TAMPERING)
async def test_tampering_is_found(database_url: str, name: str) -> None:
    await fill(database_url)
    statement, expected = TAMPERING[name]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE wallet DROP CONSTRAINT wallet_is_its_lots")
        connection.execute("ALTER TABLE transfer DROP CONSTRAINT transfer_sums_to_zero")
        connection.execute("ALTER TABLE transfer DROP CONSTRAINT transfer_names_its_cause")
        connection.execute(statement.encode())
    assert {difference.check for difference in compare(database_url).differences} == expected


def test_every_check_is_seen_failing() -> None:
    assert {check.name for check in (*CHECKS, *SHARED_CHECKS)} == set().union(
        *(checks for _, checks in TAMPERING.values())
    )


async def test_the_database_itself_refuses_what_cannot_be(database_url: str) -> None:
    await fill(database_url)
    for statement in (
        "UPDATE wallet SET balance = balance + 1",
        "UPDATE wallet SET balance = -1, remaining = '{-1}', lots = '{paid}'",
        "UPDATE transfer SET amounts[1] = amounts[1] + 1",
        "UPDATE transfer SET kind = 'credit' WHERE kind = 'payment'",
        "UPDATE transfer SET lines = NULL WHERE kind = 'payment'",
        "UPDATE transfer SET accounts = '[]' WHERE kind = 'payment'",
        "UPDATE transfer SET reference = 'x' WHERE kind = 'payment'",
    ):
        with (
            psycopg.connect(database_url, autocommit=True) as connection,
            pytest.raises(psycopg.errors.CheckViolation),
        ):
            connection.execute(statement.encode())
    assert compare(database_url).differences == []
