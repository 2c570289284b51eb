"""Files to move in, and what the books say afterwards."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from lingdang.ledger.reconcile import reconcile

FIELDS = ("kind", "custId", "groups", "createdAt", "currency", "amount", "origin", "expiresAt", "productId")


def lot(cust_id: str, amount: Any, origin: str = "paid", **more: Any) -> dict[str, Any]:
    return {"kind": "lot", "custId": cust_id, "amount": amount, "origin": origin, **more}


def right(cust_id: str, product_id: str) -> dict[str, Any]:
    return {"kind": "right", "custId": cust_id, "productId": product_id}


def order(cust_id: str, order_id: str, total: Any = 90, **more: Any) -> dict[str, Any]:
    """A past order of one line, unless it has others."""
    lines = [{"title": "Emma", "price": 120, "payable": total, "productId": "a"}]
    row = {"kind": "order", "custId": cust_id, "orderId": order_id, "paidAt": "2021-03-01T01:30:00Z", "total": total}
    return {**row, "lines": lines, **more}


def customer(cust_id: str, **more: Any) -> dict[str, Any]:
    return {"kind": "customer", "custId": cust_id, **more}


def json_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    path.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    return path


def comma_separated(path: Path, rows: Iterable[Mapping[str, Any]], encoding: str = "utf-8") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows(rows)
    return path


def a_shop() -> list[dict[str, Any]]:
    """Three customers: with lots of two currencies, and with rights to the products a, b and c."""
    return [
        customer("ann", groups=["gold", "early"], createdAt="2020-05-01T00:00:00Z"),
        lot("ann", 500),
        lot("ann", 70, "bonus", expiresAt="2999-01-31"),
        lot("ann", 9, currency="GEM"),
        right("ann", "a"),
        right("ann", "b"),
        lot("auth0|5f7c", 1),
        right("bob@example.com", "c"),
    ]


def asked(database_url: str, sql: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        return connection.execute(sql.encode()).fetchall()


def balances(database_url: str) -> dict[str, int]:
    """By custId, of all who have bells."""
    return dict(
        asked(
            database_url,
            "SELECT customer_id, sum(balance)::bigint FROM wallet JOIN customer USING (customer) GROUP BY 1"
            " HAVING sum(balance) > 0",
        )
    )


def library(database_url: str) -> set[tuple[str, str]]:
    """(custId, productId) of each right."""
    return set(asked(database_url, "SELECT customer_id, product_id FROM entitlement JOIN customer USING (customer)"))


def require_agreement(database_url: str) -> None:
    """The books agree in all that is reconciled."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        assert reconcile(connection).differences == []
