"""Coupons and vouchers for tests."""

import json
from typing import Any

import httpx
import psycopg

from lingdang.ids import uuid7
from lingdang.ledger.reconcile import Difference, reconcile
from support.buyer import Buyer, books
from support.customers import make_known
from support.shop import Shop

VOUCHER_TABLES = ("coupon", "coupon_code", "voucher")


def all_books(shop: Shop) -> dict[str, str]:
    """As `books`, with the tables of vouchers."""
    fingerprint = "SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {} t"
    return books(shop) | {table: str(shop.sql(fingerprint.format(table))[0]) for table in VOUCHER_TABLES}


def put_coupon(
    shop: Shop,
    coupon_id: str,
    *,
    code: str | None = None,
    limit: int | None = None,
    each: int = 1,
    definition: dict[str, Any] | None = None,
) -> None:
    """A coupon straight into the database; ten bells off unless told, for whatever needs no more than that."""
    shop.sql(
        "INSERT INTO coupon (coupon_id, definition, status, code, total_limit, per_customer, created_at, updated_at)"
        " VALUES (%s, %s, 'active', %s, %s, %s, now(), now())",
        (coupon_id, json.dumps(definition) if definition else TEN_OFF, code, limit, each),
    )


def hold(shop: Shop, cust_id: str, coupon_id: str) -> str:
    """A voucher in a customer's hand, as a claim leaves it."""
    voucher_id = uuid7()
    [customer] = make_known(shop.database_url, cust_id)
    shop.sql(
        "INSERT INTO voucher VALUES (0, %s, %s, %s, now(), now() + interval '1 year')",
        (customer.key, voucher_id, coupon_id),
    )
    shop.sql("UPDATE coupon SET claimed = claimed + 1 WHERE coupon_id = %s", (coupon_id,))
    return str(voucher_id)


def codes_of(reasons: dict[str, Any]) -> dict[str, str]:
    """The codes of the explained reasons. Each has its sentences in both languages, with every figure filled in."""
    for reason in reasons.values():
        assert all(reason[language] and "{" not in reason[language] for language in ("zh", "en"))
    return {name: reason["code"] for name, reason in reasons.items()}


async def claim(buyer: Buyer, code: str, **headers: str) -> httpx.Response:
    """POST /v1/vouchers/claim."""
    return await buyer.shop.http.post("/v1/vouchers/claim", json={"code": code}, headers=buyer.headers | headers)


def differences(shop: Shop) -> list[Difference]:
    """What reconcile finds."""
    with psycopg.connect(shop.database_url, autocommit=True) as connection:
        return reconcile(connection).differences


TEN_OFF: Any = '{"name": "Ten off", "effect": {"kind": "fixed", "amount": 10}}'
