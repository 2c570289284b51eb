"""What the database holds of one plan's customers, read in one snapshot."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from simulation.plan import Plan

Row = dict[str, Any]

_LINE = ("productId", "title", "publisher", "listPrice", "price", "discount")
_VOUCHER = ("voucherId", "saves")
_OF_CUSTOMERS = ("wallet", "transfer", "orders", "credit", "entitlement", "voucher")

_SQL = "SELECT json_build_object({}, 'coupon', (SELECT coalesce(json_agg(c), '[]') FROM coupon c WHERE {}))".format(
    ", ".join(
        f"'{table}', (SELECT coalesce(json_agg(t), '[]') FROM {table} t WHERE bucket = 0 AND customer_id = ANY (%s))"
        for table in _OF_CUSTOMERS
    ),
    "coupon_id = ANY (%s)",
)


@dataclass(frozen=True)
class Evidence:
    """Rows by table, as JSON shows them."""

    wallets: dict[str, Row]
    transfers: dict[str, list[Row]]
    """By customer, in the order of `seq`."""
    orders: dict[str, Row]
    credits: dict[tuple[str, str], Row]
    entitlements: list[Row]
    vouchers: dict[str, Row]
    coupons: dict[str, Row]


def evidence_of(tables: dict[str, list[Row]]) -> Evidence:
    """The evidence in these tables."""
    transfers: dict[str, list[Row]] = {}
    for row in sorted(tables["transfer"], key=lambda row: int(row["seq"])):
        transfers.setdefault(row["customer_id"], []).append(row)
    return Evidence(
        wallets={row["customer_id"]: row for row in tables["wallet"]},
        transfers=transfers,
        orders={row["order_id"]: row for row in tables["orders"]},
        credits={(row["customer_id"], row["credit_id"]): row for row in tables["credit"]},
        entitlements=tables["entitlement"],
        vouchers={row["voucher_id"]: row for row in tables["voucher"]},
        coupons={row["coupon_id"]: row for row in tables["coupon"]},
    )


async def read_evidence(connection: AsyncConnection[Any], plan: Plan) -> Evidence:
    """One statement, and so one snapshot."""
    customers = list(plan.customers)
    coupons = [coupon.coupon_id for coupon in plan.coupons]
    cursor = await connection.execute(_SQL.encode(), (*[customers] * len(_OF_CUSTOMERS), coupons))
    row = await cursor.fetchone()
    assert row is not None, "one object is one row"
    return evidence_of(_named(row[0]))


def _named(tables: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """Lines and vouchers, stored as arrays, by name; accounts by name; a payment's reference is its order."""
    for order in tables["orders"]:
        order["lines"] = [_line(dict(zip(_LINE, line, strict=True))) for line in order["lines"]]
        order["vouchers"] = [dict(zip(_VOUCHER, voucher, strict=True)) for voucher in order.pop("coupons")]
    for row in tables["transfer"]:
        row["reference"] = row["reference"] or row["order_id"]
        row["accounts"] = [_account(account, row["lines"]) for account in row["accounts"]]
    return tables


def _line(line: Row) -> Row:
    return {**line, "payable": line["price"] - line["discount"]}


def _account(account: str | int, lines: list[list[Any]]) -> str:
    """A number stands for the publisher of that line."""
    if isinstance(account, str):
        return account
    return f"revenue:{lines[account][_LINE.index('publisher')] or ''}"


def moment(text: str) -> datetime:
    """A moment as JSON shows it."""
    return datetime.fromisoformat(text)
