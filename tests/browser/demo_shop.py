"""The demo as a process of its own, and customers for it."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import psycopg

from support.moving import json_lines
from support.served import Served, run

PASSWORD = "reading-is-fun"
VOUCHERS = ("welcome", "spend-1000", "thirty")


class DemoShop:
    """A running demo, with an operator's key to it."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.url = served.url
        made = run(served.data_dir, "apikey", "create", f"tests-{uuid4()}", *_SCOPES, "--json")
        assert made.returncode == 0, made.stderr
        self._key = json.loads(made.stdout)["key"]

    def ask(self, method: str, path: str, **body: Any) -> None:
        """As an operator."""
        with self.served.client() as client:
            answer = client.request(method, path, json=body, headers={"Authorization": f"Bearer {self._key}"})
        assert answer.is_success, answer.text

    def customer(self, bells: int = 10_000, vouchers: tuple[str, ...] = VOUCHERS, name: str = "reader-") -> str:
        """A new customer with a password, bells and vouchers. Ids begin with `name`."""
        cust_id = f"{name}{uuid4().hex[:12]}"
        self.ask("POST", "/v1/admin/customers", custId=cust_id, password=PASSWORD)
        if bells:
            self.credit(cust_id, bells)
        for coupon_id in vouchers:
            self.ask("POST", f"/v1/admin/coupons/{coupon_id}/grants", custIds=[cust_id])
        return cust_id

    def credit(self, cust_id: str, amount: int, currency: str = "BELL", **more: Any) -> None:
        self.ask(
            "POST",
            f"/v1/admin/wallets/{quote(cust_id, safe='')}/credits",
            creditId=uuid4().hex,
            amount=amount,
            currency=currency,
            reason="test",
            **{"kind": "paid", **more},
        )

    def gift_code(self, bells: int) -> str:
        """A code of so many bells."""
        with self.served.client() as client:
            body = {"campaign": f"tests-{uuid4().hex[:8]}", "count": 1, "amount": bells}
            answer = client.post("/v1/admin/gift-codes", json=body, headers={"Authorization": f"Bearer {self._key}"})
        assert answer.is_success, answer.text
        [code] = answer.json()["codes"]
        return str(code)

    def refund(self, order_id: str, refund_id: str, **asked: Any) -> None:
        self.ask("POST", f"/v1/admin/orders/{order_id}/refunds", refundId=refund_id, **asked)

    def move_in(self, place: Path, rows: list[dict[str, Any]]) -> None:
        """Under a name of its own; the file of the rows is put into `place`."""
        file = json_lines(place / "rows.jsonl", rows)
        moved = run(self.served.data_dir, "move-in", str(file), "--name", uuid4().hex[:16])
        assert moved.returncode == 0, moved.stderr

    def put_package(self, package_id: str, **package: Any) -> None:
        self.ask("PUT", f"/v1/admin/topups/packages/{package_id}", **package)

    def put_product(self, product_id: str, **product: Any) -> None:
        self.ask("PUT", f"/v1/admin/products/{product_id}", **product)

    def books_of(self, cust_id: str) -> list[str]:
        """What the customer owns."""
        return [
            row[0]
            for row in self._rows(
                "SELECT product_id FROM entitlement JOIN customer USING (customer) WHERE customer_id = %s", cust_id
            )
        ]

    def paid_orders(self, cust_id: str) -> list[int]:
        """The totals of the customer's orders, as the database has them."""
        return [
            row[0]
            for row in self._rows(
                "SELECT total FROM orders JOIN customer USING (customer) WHERE customer_id = %s ORDER BY seq", cust_id
            )
        ]

    def balance(self, cust_id: str) -> int:
        rows = self._rows("SELECT balance FROM wallet JOIN customer USING (customer) WHERE customer_id = %s", cust_id)
        return int(rows[0][0]) if rows else 0

    def end_sessions(self, token: str, cust_id: str) -> None:
        """End a session as another device would."""
        with self.served.client() as client:
            answer = client.delete(
                "/v1/sessions/current", headers={"Authorization": f"Bearer {token}", "X-Cust-Id": cust_id}
            )
        assert answer.status_code == httpx.codes.NO_CONTENT

    def _rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.served.database_url()) as connection:
            return connection.execute(sql, parameters).fetchall()  # type: ignore[call-overload]


_SCOPES = [
    part
    for scope in (
        "customers:write",
        "wallets:credit",
        "coupons:write",
        "catalog:write",
        "orders:refund",
        "topups:write",
    )
    for part in ("--scope", scope)
]


def reconciled(data_dir: Path) -> bool:
    """Whether the books agree."""
    return run(data_dir, "reconcile").returncode == 0
