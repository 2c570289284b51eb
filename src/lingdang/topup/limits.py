"""Caps of what a customer may begin to top up: real money a day, by currency and group. They refuse a beginning alone.

`CNY` caps everybody, `minors/CNY` the members of a group; of those that apply the lowest holds.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

from lingdang.db.pool import Connection
from lingdang.errors import Problem, retry_later
from lingdang.topup.money import Money

MOST_OPEN = 20
"""Top-ups of one customer that are begun within an hour and not paid."""
_OPEN_SECONDS = 600

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('topups of ' || %b::text, 0))"
_GROUPS = "SELECT groups FROM customer WHERE customer = %b"
_BEGUN = """
SELECT coalesce(sum(price) FILTER (WHERE price_currency = %b AND created_at >= %b), 0)::bigint,
       count(*) FILTER (WHERE paid_at IS NULL AND created_at > %b::timestamptz - interval '1 hour')
  FROM topup WHERE bucket = %b AND customer = %b AND (paid_at IS NOT NULL OR closed IS NULL)
"""


class Caps(NamedTuple):
    """The caps, and the zone in which a day begins."""

    caps: Mapping[str, int]
    zone: ZoneInfo


def cap_of(caps: Mapping[str, int], currency: str, groups: Sequence[str]) -> int | None:
    """The lowest cap that applies, in minor units; None where there is none."""
    names = [currency, *(f"{group}/{currency}" for group in groups)]
    return min((caps[name] for name in names if name in caps), default=None)


async def refuse_beyond(
    connection: Connection, caps: Caps, bucket: int, customer: int, price: Money, now: datetime
) -> None:
    """Raises Problem `topup_limit` or `rate_limited` where this price is too much today.

    Until the transaction ends nobody else begins one for the customer.
    """
    await connection.execute(_LOCK, (str(customer),))
    rows = await (await connection.execute(_GROUPS, (customer,), binary=True)).fetchall()
    there = now.astimezone(caps.zone)
    midnight = datetime.combine(there.date(), time(), caps.zone)
    values = (price.currency, midnight, now, bucket, customer)
    [(begun, open_ones)] = await (await connection.execute(_BEGUN, values, binary=True)).fetchall()
    if open_ones >= MOST_OPEN:
        raise retry_later("rate_limited", _OPEN_SECONDS, why=f"{open_ones} top-ups of the customer are open")
    cap = cap_of(caps.caps, price.currency, rows[0][0] or () if rows else ())
    if cap is not None and begun + price.amount > cap:
        raise Problem("topup_limit", limit=cap, left=max(0, cap - begun), currency=price.currency)
