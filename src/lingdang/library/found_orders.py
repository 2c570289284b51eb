"""Orders of all customers, or of one, as an operator seeks them: newest first, by period, product and state.

All customers' orders stand in the index of causes: an order's id begins with the moment of its checkout, so the newest
are its end. One customer's stand in the customer's journal, newest payment last. Either is looked through stretch after
stretch, down from where a cursor says: no statement reads more than a stretch, and a page begins after a key.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple
from uuid import UUID

import msgspec

from lingdang.db.pool import Pool, fetch_all
from lingdang.errors import Problem, invalid_field
from lingdang.ids import oldest_uuid7
from lingdang.library.orders import GROWTH, LONGEST_STRETCH, ORDER_FIELDS, STRETCH, OrderView, view_order
from lingdang.owner import Owner
from lingdang.paging import Page, Window, foreign_cursor, read_seq, to_cursor

MOST_LOOKED_AT = 1_000_000
"""Rows in which nothing was found, beyond which a shorter period is asked for."""

_CLOCKS = timedelta(hours=1)
"""By less the clocks of the machines differ: one that is five minutes off takes no payment."""
_LOWEST, _BEYOND = UUID(int=1 << 120), UUID(int=2**128 - 1)
"""Orders' ids lie between; what else the journal has causes of begins with a byte 0 (lingdang.ledger.causes)."""
_ABOVE = 2**31 - 1

OrderStatus = Literal["paid", "partly_refunded", "refunded"]

_OF_ALL = "t.cause < %b AND t.cause >= %b"
_OF_ONE = "t.bucket = %b AND t.customer = %b AND t.seq < %b"
_FIND = """
WITH looked AS MATERIALIZED (
    SELECT t.bucket, t.customer, t.seq, t.{key} AS key,
           CASE WHEN t.kind = 'payment' THEN {wanted} ELSE false END AS wanted
      FROM transfer t WHERE {place} ORDER BY t.{key} DESC LIMIT %b
)
SELECT (SELECT count(*) FROM looked), (SELECT l.key FROM looked l ORDER BY l.key LIMIT 1)::text, w.key::text,
       c.customer_id, {fields}
  FROM (SELECT) one
  LEFT JOIN LATERAL (SELECT * FROM looked l WHERE l.wanted ORDER BY l.key DESC LIMIT %b) w ON true
  LEFT JOIN LATERAL (
       SELECT * FROM orders o WHERE o.bucket = w.bucket AND o.customer = w.customer AND o.seq = w.seq LIMIT 1
       ) o ON true
  LEFT JOIN LATERAL (SELECT c.customer_id FROM customer c WHERE c.customer = w.customer LIMIT 1) c ON true
 ORDER BY w.key DESC
"""
_FIELDS = ", ".join(f"o.{name}" for name in ORDER_FIELDS)
_ONE = f"""
SELECT c.customer_id, {_FIELDS}
  FROM orders o LEFT JOIN customer c ON c.customer = o.customer WHERE o.order_id = %b
"""  # noqa: S608 - constants

_HAS_PRODUCT = """
strpos(t.detail::text, '"' || %b || '"') > 0
AND EXISTS (SELECT FROM json_array_elements(t.detail->0) AS e (l) WHERE e.l->>0 = %b)
"""
"""The text of a row is looked through first: most have not that product."""
_GONE = """
(SELECT coalesce(sum(json_array_length(r.detail->'lines')), 0) FROM transfer r
  WHERE r.kind = 'refund' AND r.detail->>'orderId' = t.cause::text AND r.bucket = t.bucket)
"""
_IN_STATE: Mapping[OrderStatus, str] = {
    "paid": f"{_GONE} = 0",
    "partly_refunded": f"{_GONE} BETWEEN 1 AND json_array_length(t.detail->0) - 1",
    "refunded": f"{_GONE} = json_array_length(t.detail->0)",
}


class OrderOfCustomer(OrderView, frozen=True, rename="camel", kw_only=True):
    """A paid order with whose it is; null where the customer was erased."""

    cust_id: str | None


class Sought(msgspec.Struct, frozen=True, kw_only=True):
    """What orders are sought: whose (None: anybody's), paid from `since` and before `until`, of what product and state.

    `offer_seconds`: for so long after its checkout an order may be paid.
    """

    owner: Owner | None = None
    since: datetime | None = None
    until: datetime | None = None
    product_id: str | None = None
    status: OrderStatus | None = None
    offer_seconds: int


class _Walk(NamedTuple):
    """A statement that looks through a stretch, with its parameters before and after the key that it begins below."""

    sql: str
    wanted: list[object]
    before: list[object]
    after: list[object]


async def find_orders(pool: Pool, sought: Sought, window: Window) -> Page[OrderOfCustomer]:
    """The orders that are sought, newest first. A page may be shorter than asked for; an empty one is the end.

    Raises Problem `invalid_request`, also when a million rows hold nothing of the kind, or `overloaded`.
    """
    walk = _walk(sought)
    key = _below(sought, window)
    stretch, looked_at = STRETCH, 0
    while True:
        rows = await fetch_all(
            pool, walk.sql, (*walk.wanted, *walk.before, key, *walk.after, stretch, window.limit + 1)
        )
        count, lowest = rows[0][:2]
        found = [row for row in rows if row[2] is not None]
        shown = found[: window.limit]
        more = len(found) > window.limit
        if shown or count < stretch:
            cursor = shown[-1][2] if more else lowest if count == stretch else None
            return Page([_told(*row[3:]) for row in shown], None if cursor is None else to_cursor(cursor))
        looked_at += count
        if looked_at >= MOST_LOOKED_AT:
            raise invalid_field("from", f"None of {looked_at} orders is such a one; ask for a shorter period")
        key = _key(sought, lowest)
        stretch = min(stretch * GROWTH, LONGEST_STRETCH)


async def find_order_of_anybody(pool: Pool, order_id: UUID) -> OrderOfCustomer:
    """One order. Raises Problem `not_found` or `overloaded`."""
    rows = await fetch_all(pool, _ONE, (order_id,))
    if not rows:
        raise Problem("not_found")
    return _told(*rows[0])


def _walk(sought: Sought) -> _Walk:
    conditions, parameters = _conditions(sought)
    wanted = " AND ".join(f"({each})" for each in conditions) or "true"
    if sought.owner is not None:
        sql = _FIND.format(key="seq", place=_OF_ONE, wanted=wanted, fields=_FIELDS)
        return _Walk(sql, parameters, [sought.owner.bucket, sought.owner.customer], [])
    sql = _FIND.format(key="cause", place=_OF_ALL, wanted=wanted, fields=_FIELDS)
    return _Walk(sql, parameters, [], [_first_offered(sought)])


def _conditions(sought: Sought) -> tuple[list[str], list[object]]:
    """What a payment's row must be, and the parameters of that."""
    conditions: list[str] = []
    parameters: list[object] = []
    if sought.since is not None:
        conditions.append("t.at >= %b")
        parameters.append(sought.since)
    if sought.until is not None:
        conditions.append("t.at < %b")
        parameters.append(sought.until)
    if sought.product_id is not None:
        conditions.append(_HAS_PRODUCT)
        parameters += [sought.product_id, sought.product_id]
    if sought.status is not None:
        conditions.append(_IN_STATE[sought.status])
    return conditions, parameters


def _first_offered(sought: Sought) -> UUID:
    """No order that was paid in the period has a lower id."""
    if sought.since is None:
        return _LOWEST
    return max(_LOWEST, oldest_uuid7(sought.since - timedelta(seconds=sought.offer_seconds) - _CLOCKS))


def _below(sought: Sought, window: Window) -> int | UUID:
    """The key below which the first stretch begins. Raises Problem `invalid_request`."""
    if window.after is not None:
        return _key(sought, window.after)
    if sought.owner is not None:
        return _ABOVE
    return _BEYOND if sought.until is None else oldest_uuid7(sought.until + _CLOCKS)


def _key(sought: Sought, text: str) -> int | UUID:
    if sought.owner is not None:
        seq = read_seq(text)
        assert seq is not None, "a text was given"
        return seq
    try:
        return UUID(text)
    except ValueError:
        raise foreign_cursor() from None


def _told(cust_id: str | None, *row: Any) -> OrderOfCustomer:
    return OrderOfCustomer(**msgspec.structs.asdict(view_order(row)), cust_id=cust_id)
