"""Migrations from 0007 on: a shop that has sold keeps every order and entry, to the byte where a client sees them."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from lingdang.db.migrate import migrate
from lingdang.keys import Keyring
from lingdang.ledger.reconcile import reconcile
from support.buyer import buyer
from support.shop import open_shop

ORDER = "0199aaaa-0000-7000-8000-000000000001"
FREE = "0199aaaa-0000-7000-8000-000000000002"
VOUCHER = "0199bbbb-0000-7000-8000-000000000001"
LINES = [
    {"productId": "b-1", "title": '"Ünïcode" \\ 铃铛', "publisher": "Acme", "listPrice": 120, "price": 100,
     "discount": 15, "payable": 85},
    {"productId": "b-2", "title": "Two", "publisher": None, "listPrice": 50, "price": 50, "discount": 0, "payable": 50},
]  # fmt: skip
GIFT = [
    {"productId": "b-3", "title": "Gift", "publisher": None, "listPrice": 0, "price": 0, "discount": 0, "payable": 0}
]

SOLD = """
INSERT INTO wallet (bucket, customer_id, currency, balance, seq, lots, remaining, next_expiry)
VALUES (0, 'ann', 'BELL', 865, 3, '{paid}', '{865}', NULL);
INSERT INTO credit (bucket, customer_id, credit_id, currency, seq, amount, kind, expires_at, reason, balance,
                    credited_at)
VALUES (0, 'ann', 'c-1', 'BELL', 1, 1000, 'paid', NULL, 'first', 1000, '2026-11-01T00:00:00Z');
INSERT INTO transfer (bucket, customer_id, currency, seq, kind, reference, amount, balance, at, accounts,
                      amounts) VALUES
 (0, 'ann', 'BELL', 1, 'credit', 'c-1', 1000, 1000, '2026-11-01T00:00:00Z',
  '{clearing:paid,wallet:paid}', '{-1000,1000}'),
 (0, 'ann', 'BELL', 2, 'payment', 'ORDER', -135, 865, '2026-11-02T00:00:00Z',
  '{revenue:Acme,revenue:,discount,wallet:paid}', '{100,50,-15,-135}'),
 (0, 'ann', 'BELL', 3, 'payment', 'FREE', 0, 865, '2026-11-03T00:00:00Z', '{}', '{}');
INSERT INTO orders (bucket, customer_id, order_id, currency, seq, subtotal, discount, total, balance, paid_at,
                    lines, coupons)
VALUES (0, 'ann', 'ORDER', 'BELL', 2, 150, 15, 135, 865, '2026-11-02T00:00:00Z', 'LINES',
        '[{"couponId": "VOUCHER", "saves": 15}]'),
       (0, 'ann', 'FREE', 'BELL', 3, 0, 0, 0, 865, '2026-11-03T00:00:00Z', 'GIFT', '[]');
INSERT INTO coupon (coupon_id, definition, status, per_customer, claimed, created_at, updated_at)
VALUES ('off', '{"name": "Off", "effect": {"kind": "fixed", "amount": 15}}', 'active', 1, 1, now(), now());
INSERT INTO voucher (bucket, customer_id, voucher_id, coupon_id, claimed_at, expires_at, used_by, used_at, saved)
VALUES (0, 'ann', 'VOUCHER', 'off', '2026-11-01T00:00:00Z', '2027-11-01T00:00:00Z', 'ORDER',
        '2026-11-02T00:00:00Z', 15);
INSERT INTO entitlement (bucket, customer_id, product_id, order_id, granted_at)
VALUES (0, 'ann', 'b-1', 'ORDER', '2026-11-02T00:00:00Z'), (0, 'ann', 'b-2', 'ORDER', '2026-11-02T00:00:00Z'),
       (0, 'ann', 'b-3', 'FREE', '2026-11-03T00:00:00Z');
"""


@pytest.fixture
def sold(postgres: str) -> Iterator[str]:
    """A database at revision 0006 with a credit, a paid and a free order."""
    name = "sold_at_0006"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        url = postgres.replace("/postgres?", f"/{name}?", 1)
        migrate(url, target="0006")
        sql = SOLD.replace("ORDER'", f"{ORDER}'").replace("FREE'", f"{FREE}'").replace("VOUCHER", VOUCHER)
        for text, lines in (("LINES", LINES), ("GIFT", GIFT)):
            sql = sql.replace(f"'{text}'", "'" + json.dumps(lines).replace("'", "''") + "'")
        with psycopg.connect(url, autocommit=True) as shop:
            shop.execute(sql.encode())
        yield url
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def test_orders_and_entries_are_what_they_were(sold: str) -> None:
    entries = (
        "SELECT customer_id, currency, seq, leg, kind, reference, at, account, amount FROM entry ORDER BY seq, leg"
    )
    orders = (
        "SELECT bucket, customer_id, order_id, currency, seq, subtotal, discount, total, balance, paid_at FROM orders"
        " ORDER BY seq"
    )
    before = rows(sold, entries), rows(sold, orders)
    migrate(sold)
    assert (rows(sold, entries), rows(sold, orders)) == before
    lines = rows(sold, "SELECT product_id, title, publisher, list_price, price, discount, payable FROM order_line")
    assert lines == [tuple(line.values()) for line in (*LINES, *GIFT)]
    assert rows(sold, "SELECT order_id::text, voucher_id::text, saves FROM order_coupon") == [(ORDER, VOUCHER, 15)]
    with psycopg.connect(sold, autocommit=True) as connection:
        assert reconcile(connection).differences == []


def test_what_is_sealed_stays(sold: str) -> None:
    """Revision 0010 stores less of a transfer; its seal covers the same text all the same."""
    sealed = (
        "SELECT customer_id, seq, kind, reference, amount, balance, at, amounts, record, digest"
        " FROM journal_content(ARRAY[0::smallint], ARRAY['ann'], ARRAY['BELL'], ARRAY[0::bigint], 10)"
    )
    migrate(sold, target="0009")
    before = rows(sold, sealed)
    migrate(sold)
    assert rows(sold, sealed) == before
    assert len(before) == 3


async def test_what_customers_see_stays(sold: str, keyring: Keyring) -> None:
    migrate(sold)
    async with open_shop(sold, keyring) as shop:
        ann = buyer(shop)
        order = (await ann.get(f"/v1/orders/{ORDER}")).json()
        assert (order["orderId"], order["total"], order["discount"]) == (ORDER, 135, 15)
        assert [(line["productId"], line["title"], line["payable"]) for line in order["lines"]] == [
            ("b-1", LINES[0]["title"], 85),
            ("b-2", "Two", 50),
        ]
        assert order["vouchers"] == [{"voucherId": VOUCHER, "saves": 15}]
        entries = (await ann.get("/v1/wallet/entries")).json()["items"]
        assert [(entry["amount"], entry["balance"]) for entry in entries] == [(0, 865), (-135, 865), (1000, 1000)]
