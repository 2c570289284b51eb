"""The faults' shop with what overload needs: members with passwords, a holder of vouchers, many products."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from argon2 import PasswordHasher

from lingdang.catalog.terms import MARK
from lingdang.db.embedded import EmbeddedServer
from lingdang.identity.passwords import MEMORY_KIB, PASSES
from proof.faults import shop
from proof.faults.overload.buyers import NEWCOMER, PASSWORD

STRANGERS = 256
"""Customers besides those whose purchases are counted; attackers act as them."""
MEMBER, MEMBERS, MEMBERS_PASSWORD = "member-", 200, "open sesame"
HOLDER = 0
"""The stranger who has a hundred vouchers that all go together."""
PAGES = [f"page-{number}" for number in range(1, 101)]
"""The products of an order of a hundred lines, each at a price and with an introduction of its own."""
LETTERS = "abcdef"
"""What the many products' words begin with."""

_INTRO = "很久很久以前，" * 700
_PRODUCTS = """
INSERT INTO product (product_id, title, intro, currency, price, list_price, popularity, search, created_at,
                     updated_at)
SELECT 'page-' || n, 'Page ' || n, %(intro)s, 'BELL', 1000 + n * 37, 1000 + n * 37, 1000000 + n,
       array_to_tsvector(ARRAY[%(mark)s]), now(), now()
  FROM generate_series(1, 250) n
"""
_MANY_PRODUCTS = """
INSERT INTO product (product_id, title, currency, price, list_price, popularity, search, created_at, updated_at)
SELECT 'many-' || n, array_to_string(words, ' '), 'BELL', 100, 100, n, array_to_tsvector(words || %(mark)s::text),
       now(), now()
  FROM generate_series(1, %(count)s) n,
       LATERAL (SELECT ARRAY[substr(h, 1, 6), substr(h, 9, 7), substr(h, 17, 5), substr(h, 25, 8)] AS words
                  FROM md5(n::text) h) w
"""
_PEOPLE = """
INSERT INTO customer (customer, customer_id, password_hash, password_changed_at, created_at)
SELECT %(first)s + n, %(name)s || n, %(hash)s, now(), now() FROM generate_series(1, %(count)s) n
"""
_COUPON = """
INSERT INTO coupon (coupon_id, definition, status, per_customer, claimed, created_at, updated_at)
VALUES (%(coupon_id)s, %(definition)s, 'active', 100, 1, now(), now())
"""
_VOUCHER = """
INSERT INTO voucher (bucket, customer, voucher_id, coupon_id, claimed_at, expires_at)
VALUES (0, %(key)s, gen_random_uuid(), %(coupon_id)s, now(), now() + interval '1 year')
"""


def prepare(data_dir: Path, products: int) -> None:
    """Make the shop in `data_dir`, with so many products to search in."""
    data_dir.mkdir(exist_ok=True)
    server = EmbeddedServer(data_dir)
    try:
        url = server.start()
        shop.fill(url, shop.CUSTOMERS + STRANGERS)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_PRODUCTS, {"intro": _INTRO, "mark": MARK})
            connection.execute(_MANY_PRODUCTS, {"count": products, "mark": MARK})
            _people(connection)
            _vouchers(connection, shop.CUSTOMERS + HOLDER + 1)
            connection.execute("VACUUM (ANALYZE)")
    finally:
        server.stop()


def _people(connection: psycopg.Connection[Any]) -> None:
    hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=1)
    members = {"name": MEMBER, "hash": hasher.hash(MEMBERS_PASSWORD), "count": MEMBERS, "first": 1_000_000}
    connection.execute(_PEOPLE, members)
    connection.execute(_PEOPLE, {"name": NEWCOMER, "hash": hasher.hash(PASSWORD), "count": 1, "first": 2_000_000})
    connection.execute("UPDATE customer SET customer_id = %s WHERE customer_id = %s", (NEWCOMER, f"{NEWCOMER}1"))


def _vouchers(connection: psycopg.Connection[Any], key: int) -> None:
    for number, effect in enumerate(_effects()):
        definition = {"name": f"Off {number}", "effect": effect, "stacking": {"group": None, "order": number % 7}}
        values = {"coupon_id": f"off-{number}", "definition": msgspec.json.encode(definition).decode()}
        connection.execute(_COUPON, values)
        connection.execute(_VOUCHER, values | {"key": key})


def _effects() -> Iterator[dict[str, Any]]:
    """A hundred, of every kind."""
    for number in range(20):
        yield {"kind": "percent", "off": 1 + number, "cap": 300 + number}
        yield {"kind": "fixed", "amount": 40 + number}
        yield {"kind": "spend_save", "spend": 1000 + number, "save": 20 + number, "every": True}
        yield {"kind": "nth_item", "nth": 2 + number, "off": 5 + number}
        yield {"kind": "buy_pay", "buy": 20 + number, "pay": 19 + number}
