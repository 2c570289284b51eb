"""Commands for tests of the ledger, and a settlement to send them to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from lingdang.catalog.memory import Memory
from lingdang.clock import system_clock
from lingdang.ids import uuid7
from lingdang.ledger.crediting import Credit
from lingdang.ledger.done import Done
from lingdang.ledger.lines import Line
from lingdang.ledger.lots import LotKind
from lingdang.ledger.paying import Pay
from lingdang.ledger.rules import Command
from lingdang.ledger.settlement import Settlement
from support.customers import key_of, make_key_known

SESSION = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


def line(product_id: str, price: int = 100, discount: int = 0, publisher: str | None = "Penguin") -> Line:
    return Line(product_id, f"Title of {product_id}", publisher, price, price, discount)


def pay(cust_id: str | int, *lines: Line, order_id: UUID | None = None, expires_at: datetime | None = None) -> Pay:
    subtotal = sum(item.price for item in lines)
    discount = sum(item.discount for item in lines)
    return Pay(
        customer=cust_id if isinstance(cust_id, int) else key_of(cust_id),
        session_id=SESSION,
        order_id=order_id or uuid7(),
        currency="BELL",
        lines=lines,
        vouchers=(),
        subtotal=subtotal,
        discount=discount,
        total=subtotal - discount,
        expires_at=expires_at or system_clock() + timedelta(minutes=15),
    )


def credit(
    cust_id: str | int,
    amount: int,
    *,
    credit_id: str | None = None,
    kind: LotKind = "paid",
    expires_at: datetime | None = None,
) -> Credit:
    return Credit(
        customer=cust_id if isinstance(cust_id, int) else key_of(cust_id),
        credit_id=credit_id or str(uuid7()),
        currency="BELL",
        amount=amount,
        kind=kind,
        expires_at=expires_at,
        reason="test",
    )


def add_products(database_url: str, *product_ids: str) -> None:
    """Put products of 100 bells on sale."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.cursor().executemany(
            "INSERT INTO product (product_id, title, currency, price, list_price, created_at, updated_at)"
            " VALUES (%s, 'T', 'BELL', 100, 100, now(), now())",
            [(product_id,) for product_id in product_ids],
        )


class _Opened(Settlement):
    """A settlement whose customers are in the database, of which `direct_url` is, by their first command."""

    def __init__(self, database_url: str, direct_url: str, **options: Any) -> None:
        super().__init__(database_url, Memory(), **options)
        self._direct_url = direct_url
        self._known: set[int] = set()

    async def submit(self, command: Command) -> Done:
        if command.customer not in self._known:
            self._known.add(command.customer)
            make_key_known(self._direct_url, command.customer)
        return await super().submit(command)


@asynccontextmanager
async def open_settlement(
    database_url: str, *, direct_url: str | None = None, **options: Any
) -> AsyncIterator[Settlement]:
    """A settlement with the defaults of a small shop. `direct_url`: beside a `database_url` that goes over a wire."""
    defaults: dict[str, Any] = {
        "buckets": 1,
        "clock": system_clock,
        "pgbouncer": False,
        "queue_limit": 2000,
        "batch_limit": 256,
        "seconds": 5.0,
        "give_up_seconds": 20.0,
    }
    settlement = _Opened(database_url, direct_url or database_url, **(defaults | options))
    settlement.open()
    try:
        yield settlement
    finally:
        await settlement.close()
