"""The faults' shop with what overload needs: members with passwords, a holder of vouchers, many products."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from argon2 import PasswordHasher

from lingdang.identity.passwords import MEMORY_KIB, PASSES
from proof.faults import shop
from proof.faults.overload.buyers import NEWCOMER, PASSWORD
from proof.shop import NumberedBooks, add_books, add_coupon, add_customers, build, embedded

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
_PAGES = NumberedBooks("page-", 250, "1000 + n * 37", title="'Page ' || n", popularity="1000000 + n", intro=_INTRO)
_PARTS = ((1, 6), (9, 7), (17, 5), (25, 8))
_WORDS = f"ARRAY[{', '.join(f'substr(md5(n::text), {first}, {length})' for first, length in _PARTS)}]"


def prepare(data_dir: Path, products: int) -> None:
    """Make the shop in `data_dir`, with so many products to search in."""
    data_dir.mkdir(exist_ok=True)
    with embedded(data_dir) as url:
        shop.fill(build(url, data_dir).url, shop.CUSTOMERS + STRANGERS)
        with psycopg.connect(url, autocommit=True) as connection:
            add_books(connection, _PAGES)
            add_books(connection, _many(products))
            _people(connection)
            for number, effect in enumerate(_effects()):
                stacking = {"group": None, "order": number % 7}
                add_coupon(connection, f"off-{number}", effect, stacking, keys=[shop.CUSTOMERS + HOLDER + 1])
            connection.execute("VACUUM (ANALYZE)")


def _many(count: int) -> NumberedBooks:
    """Products of four words each, the best known last."""
    title = f"array_to_string({_WORDS}, ' ')"
    return NumberedBooks("many-", count, "100", title=title, popularity="n", words=_WORDS)


def _people(connection: psycopg.Connection[Any]) -> None:
    hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=1)
    members = {f"{MEMBER}{number}": 1_000_000 + number for number in range(1, MEMBERS + 1)}
    add_customers(connection, members, password_hash=hasher.hash(MEMBERS_PASSWORD))
    add_customers(connection, {NEWCOMER: 2_000_001}, password_hash=hasher.hash(PASSWORD))


def _effects() -> Iterator[dict[str, Any]]:
    """A hundred, of every kind."""
    for number in range(20):
        yield {"kind": "percent", "off": 1 + number, "cap": 300 + number}
        yield {"kind": "fixed", "amount": 40 + number}
        yield {"kind": "spend_save", "spend": 1000 + number, "save": 20 + number, "every": True}
        yield {"kind": "nth_item", "nth": 2 + number, "off": 5 + number}
        yield {"kind": "buy_pay", "buy": 20 + number, "pay": 19 + number}
