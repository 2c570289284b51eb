"""Past orders: what customers bought in the system before, as it was brought in."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from lingdang.db.pool import Pool
from lingdang.moments import BEYOND, is_usable
from lingdang.owner import Owner, fetch_as
from lingdang.paging import Page, Window, foreign_cursor, page

_LIST = """
SELECT order_id, status, currency, total, paid_at, lines, move FROM past_order
 WHERE bucket = %b AND customer = %b AND (paid_at, move, order_id) < (%b::timestamptz, %b::text, %b::text)
 ORDER BY paid_at DESC, move DESC, order_id DESC LIMIT %b
"""


class PastLine(msgspec.Struct, frozen=True, rename="camel"):
    """One thing that was bought, in whole units of the order's currency."""

    title: str
    price: Annotated[int, Meta(description="The price of then.")]
    payable: Annotated[int, Meta(description="What was paid for it.")]
    product_id: Annotated[str | None, Meta(description="The product's id of then; null where it had none.")] = None


class PastOrder(msgspec.Struct, frozen=True, rename="camel"):
    """An order of the system before, as it was there. It moved no bells of this shop and gave no right."""

    order_id: Annotated[str, Meta(description="The id that the order had there.")]
    status: Annotated[str, Meta(description="`paid`, `partly_refunded` or `refunded`.")]
    currency: Annotated[str, Meta(description="A virtual currency, or one of ISO 4217 in its minor units.")]
    total: Annotated[int, Meta(description="What was paid, in whole units of the currency.")]
    paid_at: datetime
    lines: Annotated[list[PastLine], Meta(description="One for each thing that was bought.")]


async def list_past_orders(pool: Pool, owner: Owner, window: Window) -> Page[PastOrder]:
    """The customer's past orders, newest first. Raises Problem `invalid_request` for an impossible cursor."""
    place = (owner.bucket, owner.customer)
    rows = await fetch_as(pool, owner, _LIST, (*place, *_before(window.after), window.limit + 1))
    keys = [f"{paid_at.isoformat()} {move} {order_id}" for order_id, _, _, _, paid_at, _, move in rows]
    return page([_view(*row[:-1]) for row in rows], keys, window.limit)


def _before(key: str | None) -> tuple[datetime, str, str]:
    """Where the page begins: before which moment, move and order."""
    if key is None:
        return BEYOND, "", ""
    moment, *names = key.split(" ", 2)
    try:
        move, order_id = names
        paid_at = datetime.fromisoformat(moment)
    except ValueError:
        raise foreign_cursor() from None
    if paid_at.tzinfo is None or not is_usable(paid_at):
        raise foreign_cursor()
    return paid_at, move, order_id


def _view(
    order_id: str, status: str, currency: str, total: int, paid_at: datetime, lines: list[dict[str, object]]
) -> PastOrder:
    return PastOrder(order_id, status, currency, total, paid_at, msgspec.convert(lines, list[PastLine]))
