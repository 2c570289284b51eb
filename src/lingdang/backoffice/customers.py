"""A customer as the operators see one."""

from datetime import datetime

import msgspec

from lingdang.db.pool import Pool, fetch_all
from lingdang.errors import Problem

_ONE = "SELECT customer_id, created_at, groups, password_hash IS NOT NULL FROM customer WHERE customer_id = %b"


class CustomerView(msgspec.Struct, frozen=True, rename="camel"):
    """A customer: since when they are known, their groups, and whether they may sign in with a password kept here."""

    cust_id: str
    created_at: datetime
    groups: list[str]
    has_password: bool


async def view_customer(pool: Pool, cust_id: str) -> CustomerView:
    """The customer of this id. Raises Problem `not_found` for one nobody has heard of, or `overloaded`."""
    rows = await fetch_all(pool, _ONE, (cust_id,))
    if not rows:
        raise Problem("not_found")
    return CustomerView(*rows[0])
