"""Offers for tests of the token and the payment."""

from datetime import timedelta
from uuid import UUID

from lingdang.checkout.offer import Offer
from lingdang.clock import system_clock
from lingdang.ids import uuid7
from support.customers import key_of
from support.money import SESSION, line


def offer(cust_id: str = "ann", session_id: UUID = SESSION, *product_ids: str, price: int = 100) -> Offer:
    """An offer of these products (default: three books) at one price each."""
    lines = tuple(line(product_id, price) for product_id in product_ids or ("book-1", "book-2", "book-3"))
    total = sum(item.payable for item in lines)
    now = system_clock()
    ends = now + timedelta(minutes=15)
    return Offer(uuid7(), key_of(cust_id), session_id, "BELL", lines, (), total, 0, total, now, ends)
