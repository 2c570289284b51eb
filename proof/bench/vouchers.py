"""Vouchers for the workloads: one in each payment, a hot one in every hand, and customers with twenty."""

import random
from collections.abc import Sequence
from datetime import timedelta
from itertools import cycle
from typing import Any
from uuid import UUID

import psycopg

from lingdang.clock import system_clock
from lingdang.ids import uuid7
from proof.bench.buying import Purchase
from proof.shop import add_coupon, key_of

OFF = 10
"""Bells that the voucher of a payment takes off."""

_FIXED = {"kind": "fixed", "amount": OFF}
_YEAR = timedelta(days=365)

HOLDERS = 300
"""Customers with twenty vouchers each."""

MANY = tuple(f"each-{number}" for number in range(50))
"""The coupons of payments with a voucher."""
ONE = ("each-hot",)
"""The coupon of payments that all use a voucher of one."""

_KINDS: tuple[dict[str, Any], ...] = (
    {"kind": "percent", "off": 15, "cap": 300},
    {"kind": "fixed", "amount": 40},
    {"kind": "spend_save", "spend": 1000, "save": 120, "every": True},
    {"kind": "nth_item", "nth": 2, "off": 30},
    {"kind": "buy_pay", "buy": 5, "pay": 4},
)
_HOLD = "COPY voucher (bucket, customer, voucher_id, coupon_id, claimed_at, expires_at) FROM STDIN (FORMAT binary)"


def define(connection: psycopg.Connection[Any], hot: int) -> None:
    """The coupons: those for payments, `hot` for `hot` customers, and twenty that the holders have one of each of."""
    for coupon_id in (*MANY, *ONE):
        add_coupon(connection, coupon_id, _FIXED)
    add_coupon(connection, "hot", _FIXED, keys=_keys("hot-", hot))
    for number in range(20):
        effect, group = _KINDS[number % len(_KINDS)], f"group-{number // len(_KINDS)}"
        add_coupon(connection, f"many-{number}", effect, {"group": group}, keys=_keys("holder-", HOLDERS))


def _keys(prefix: str, count: int) -> list[int]:
    return [key_of(f"{prefix}{number}") for number in range(1, count + 1)]


def give(connection: psycopg.Connection[Any], purchases: Sequence[Purchase], voucher_ids: Sequence[str]) -> list[UUID]:
    """A voucher of these coupons in turn in the hand of every purchase's customer; the ids are in the purchases' order.

    They are stored in another order: who claims a voucher first does not pay first.
    """
    made = [uuid7() for _ in purchases]
    claims = list(zip(purchases, made, cycle(voucher_ids)))
    random.Random(1).shuffle(claims)
    with connection.transaction(), connection.cursor() as cursor:
        now = system_clock()
        with cursor.copy(_HOLD) as copy:
            copy.set_types(("smallint", "int8", "uuid", "text", "timestamptz", "timestamptz"))
            for purchase, voucher_id, coupon_id in claims:
                copy.write_row((0, purchase.buyer.customer.key, voucher_id, coupon_id, now, now + _YEAR))
    return made


def used(connection: psycopg.Connection[Any]) -> int:
    """How many vouchers payments have used."""
    row = connection.execute("SELECT count(*) FROM voucher WHERE used_by IS NOT NULL").fetchone()
    assert row is not None, "a count is one row"
    return int(row[0])


def take_back(connection: psycopg.Connection[Any]) -> int:
    """Withdraw what no payment used, so that the other workloads find empty hands; answers how many were used."""
    connection.execute("DELETE FROM voucher WHERE starts_with(coupon_id, 'each-') AND used_by IS NULL")
    connection.execute(
        "UPDATE coupon c SET claimed = (SELECT count(*) FROM voucher v WHERE v.coupon_id = c.coupon_id)"
        " WHERE starts_with(coupon_id, 'each-')"
    )
    return used(connection)
