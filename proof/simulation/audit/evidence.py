"""What the database holds of one plan's customers, in one snapshot; what was done is as the journal's rows say."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from proof.simulation.plan import Plan, key_of

Row = dict[str, Any]
Key = tuple[str, ...]

_LINE = ("productId", "title", "publisher", "listPrice", "price", "discount")
_VOUCHER = ("voucherId", "saves")
_OF_CUSTOMERS = ("customer", "wallet", "transfer", "orders", "credit", "entitlement", "voucher")

_NAMED = {"coupon": "coupon_id", "gift_code": "campaign"}
"""Tables that are no customer's, and by what a plan names their rows."""

_SQL = "SELECT json_build_object({})".format(
    ", ".join(
        f"'{table}', (SELECT coalesce(json_agg(t), '[]') FROM {table} t WHERE t.{column} = ANY (%s))"
        for table, column in (dict.fromkeys(_OF_CUSTOMERS, "customer") | _NAMED).items()
    )
)


@dataclass(frozen=True)
class Evidence:
    """Rows by table, as JSON shows them, each with its customer's name as `customer_id`.

    A transfer has its `clock` as well: the moment by which it was decided, None where that cannot be told from it.
    """

    known: dict[int, str]
    """Keys and names of customers."""
    wallets: dict[tuple[str, str], Row]
    """By customer and currency."""
    transfers: dict[str, list[Row]]
    """By customer, in the order of `seq`."""
    orders: dict[str, Row]
    """As the payments' rows have them."""
    credits: dict[tuple[str, str], Row]
    """As the credits' rows have them."""
    refunds: dict[Key, Row]
    """As the refunds' rows have them, by customer, who asked (`operator` or `customer`) and refundId."""
    grants: dict[Key, Row]
    """Rights without a payment, by customer and grantId."""
    revocations: dict[Key, Row]
    """Their ends, by customer and revocationId."""
    adjustments: dict[Key, Row]
    """As their rows have them, by customer and adjustmentId."""
    reversals: dict[Key, Row]
    """Credits taken back, by customer and creditId."""
    topups: dict[Key, Row]
    """By customer and topupId."""
    gifts: dict[Key, Row]
    """Redeemed codes, by customer and giftId."""
    codes: dict[str, Row]
    """Gift codes by campaign: each has one of its own. Whoever claimed one is its `claimed_by`."""
    listed: dict[str, list[Row]]
    """The views `orders` and `credit`, through which others read."""
    entitlements: list[Row]
    vouchers: dict[str, Row]
    coupons: dict[str, Row]


def evidence_of(plan: Plan, tables: dict[str, list[Row]]) -> Evidence:
    """The evidence in these tables."""
    names = {key_of(cust_id): cust_id for cust_id in plan.customers}
    known = {row["customer"]: row["customer_id"] for row in tables["customer"]}
    for table, rows in tables.items():
        if table not in ("customer", *_NAMED):
            for row in rows:
                row["customer_id"] = names[row["customer"]]
    transfers: dict[str, list[Row]] = {}
    for row in sorted(tables["transfer"], key=lambda row: int(row["seq"])):
        transfers.setdefault(row["customer_id"], []).append(row)
    for rows in transfers.values():
        _clocks(rows, plan.monotone)
    booked = [row for rows in transfers.values() for row in rows]
    return Evidence(
        known=known,
        wallets={(row["customer_id"], row["currency"]): row for row in tables["wallet"]},
        transfers=transfers,
        orders={row["cause"]: _order(row) for row in booked if row["kind"] == "payment"},
        credits={_credit_key(row): _credit(row) for row in booked if row["kind"] == "credit"},
        refunds={_refund_key(row): _refund(row) for row in booked if row["kind"] == "refund"},
        grants={_named_key(row, "grantId"): _right(row) for row in booked if row["kind"] == "grant"},
        revocations={_named_key(row, "revocationId"): _right(row) for row in booked if row["kind"] == "revocation"},
        adjustments={
            _named_key(row, "adjustmentId"): _correction(row) for row in booked if row["kind"] == "adjustment"
        },
        reversals={_named_key(row, "creditId"): _correction(row) for row in booked if row["kind"] == "reversal"},
        topups={_named_key(row, "topupId"): _topup(row) for row in booked if row["kind"] == "topup"},
        gifts={_named_key(row, "giftId"): _correction(row) for row in booked if row["kind"] == "gift"},
        codes={row["campaign"]: {**row, "claimed_by": names.get(row["customer"])} for row in tables["gift_code"]},
        listed={view: tables[view] for view in ("orders", "credit")},
        entitlements=tables["entitlement"],
        vouchers={row["voucher_id"]: row for row in tables["voucher"]},
        coupons={row["coupon_id"]: row for row in tables["coupon"]},
    )


async def read_evidence(connection: AsyncConnection[Any], plan: Plan) -> Evidence:
    """One statement, and so one snapshot."""
    keys = [key_of(cust_id) for cust_id in plan.customers]
    coupons = [coupon.coupon_id for coupon in plan.coupons]
    campaigns = [code.campaign for code in plan.codes]
    cursor = await connection.execute(_SQL.encode(), (*[keys] * len(_OF_CUSTOMERS), coupons, campaigns))
    row = await cursor.fetchone()
    assert row is not None, "one object is one row"
    return evidence_of(plan, row[0])


def _clocks(rows: list[Row], monotone: bool) -> None:
    """A row's time is the clock's, unless the row before it has the same: the clock may have gone back.

    The rows of one transaction, which share a position, were decided at one moment.
    """
    before: Row | None = None
    for number, row in enumerate(rows):
        if number and rows[number - 1]["position"] != row["position"]:
            before = rows[number - 1]
        at = moment(row["at"])
        row["clock"] = at if monotone or before is None or moment(before["at"]) < at else None


def _order(row: Row) -> Row:
    """The order that a payment's row tells of."""
    lines, vouchers = row["detail"]
    lines = [_line(dict(zip(_LINE, line, strict=True))) for line in lines]
    return {
        **{name: row[name] for name in ("customer_id", "currency", "seq", "balance", "clock")},
        "order_id": row["cause"],
        "paid_at": row["at"],
        "subtotal": sum(line["price"] for line in lines),
        "discount": sum(line["discount"] for line in lines),
        "total": -row["amount"],
        "lines": lines,
        "vouchers": [dict(zip(_VOUCHER, voucher, strict=True)) for voucher in vouchers],
        "lots": lots_of(row),
    }


def _line(line: Row) -> Row:
    return {**line, "payable": line["price"] - line["discount"]}


def _credit_key(row: Row) -> tuple[str, str]:
    return row["customer_id"], row["detail"]["creditId"]


def _credit(row: Row) -> Row:
    """The credit that its row tells of."""
    return {
        **{name: row[name] for name in ("customer_id", "currency", "seq", "balance")},
        "amount": came(row),
        "credit_id": row["detail"]["creditId"],
        "kind": row["detail"]["kind"],
        "reason": row["detail"]["reason"],
        "expires_at": row["detail"].get("expiresAt"),
        "credited_at": row["at"],
        "lots": lots_of(row),
    }


def _refund_key(row: Row) -> Key:
    return row["customer_id"], row["detail"]["by"], row["detail"]["refundId"]


def _refund(row: Row) -> Row:
    """The refund that its row tells of; `lots` are what went into which."""
    detail = row["detail"]
    return {
        **{name: row[name] for name in ("customer_id", "currency", "seq", "balance", "clock", "at")},
        **{name: detail[name] for name in ("refundId", "orderId", "by", "reason")},
        "lines": [(product_id, amount) for product_id, amount in detail["lines"]],
        "refunded": sum(amount for _, amount in detail["lines"]),
        "lots": list(map(tuple, detail.get("lots", []))) or lots_of(row),
        "vouchers": detail.get("vouchers", []),
        "productIds": detail.get("asked"),
        "keepDiscount": detail.get("keepDiscount", False),
        "note": detail.get("note"),
    }


def _correction(row: Row) -> Row:
    """The adjustment, reversal or gift that its row tells of."""
    same = ("customer_id", "currency", "seq", "balance", "at")
    told = {name: row[name] for name in same}
    return {"note": None, **row["detail"], **told, "amount": came(row), "lots": lots_of(row)}


def _topup(row: Row) -> Row:
    """The top-up that its row tells of; `lots` are those that its bells came into, what paid a debt with them."""
    return {**row["detail"], **{name: row[name] for name in ("customer_id", "currency", "seq", "balance", "at")}}


def _named_key(row: Row, name: str) -> Key:
    return row["customer_id"], row["detail"][name]


def _right(row: Row) -> Row:
    """The right that a row without bells grants or ends."""
    return {**row["detail"], "seq": row["seq"], "at": row["at"]}


def lots_of(row: Row) -> list[tuple[str, int]]:
    """How much a row put into which lot (+) or took from it (−), in its order."""
    legs = zip(map(str, row["accounts"]), row["amounts"], strict=True)
    return [(name.removeprefix("wallet:"), amount) for name, amount in legs if name.startswith("wallet:")]


def came(row: Row) -> int:
    """How many bells a row brought, those with them that paid a debt."""
    legs = dict(zip(map(str, row["accounts"]), row["amounts"], strict=True))
    return int(row["amount"] + max(0, legs.get("debt", 0)))


def moment(text: str) -> datetime:
    """A moment as JSON shows it."""
    return datetime.fromisoformat(text)
