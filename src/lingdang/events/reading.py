"""Reading events on from a cursor: rows of the journal and notices in one order, pages of whole transactions.

A cursor is a position, as of every reader of the journal (lingdang.journal.positions).
"""

from bisect import bisect_right
from collections.abc import Collection, Sequence
from datetime import UTC
from typing import Any, NamedTuple

import msgspec

from lingdang.db.pool import Connection
from lingdang.events.event import Event
from lingdang.events.telling import JournalRow, NoticeRow, Place, Thresholds, tell, tell_low
from lingdang.journal.positions import horizon
from lingdang.ledger.state import Row

_STRETCH = """
SELECT count(*), max(p.position)
  FROM (SELECT a.position
          FROM ((SELECT position FROM transfer WHERE bucket = %b AND position > %b AND position < %b
                  ORDER BY position LIMIT %b)
                UNION ALL
                (SELECT position FROM notice WHERE bucket = %b AND position > %b AND position < %b
                  ORDER BY position LIMIT %b)) a
         ORDER BY a.position LIMIT %b) p
"""
# Numbered before they are chosen: a number means the same to whoever asks for other kinds. All of it is one JSON text,
# which takes a third of the time to read that columns take.
_ROWS = """
SELECT json_agg(json_build_array(r.position, r.number, r.customer_id,
                    json_build_array(r.customer, r.currency, r.seq, r.kind, r.amount, r.balance, r.at, r.accounts,
                                     r.amounts, r.cause, r.detail)) ORDER BY r.position, r.number)::text
  FROM (
        SELECT t.*, c.customer_id
          FROM (SELECT *, row_number() OVER (PARTITION BY position ORDER BY customer, seq) AS number
                  FROM transfer WHERE bucket = %b AND position > %b AND position <= %b) t
          LEFT JOIN LATERAL (SELECT c.customer_id FROM customer c WHERE c.customer = t.customer LIMIT 1) c ON true
         WHERE (t.position > %b OR t.number > %b) AND (%b::text[] IS NULL OR t.kind = ANY (%b::text[]))
         ORDER BY t.position, t.number LIMIT %b) r
"""
_NOTICES = """
SELECT n.position, n.number, c.customer_id, n.customer, n.type, n.key, n.at, n.data::text
  FROM (SELECT *, row_number() OVER (PARTITION BY position ORDER BY customer, type, key) AS number
          FROM notice WHERE bucket = %b AND position > %b AND position <= %b) n
  LEFT JOIN LATERAL (SELECT c.customer_id FROM customer c WHERE c.customer = n.customer LIMIT 1) c ON true
 WHERE (n.position > %b OR n.number > %b) AND (%b::text[] IS NULL OR n.type = ANY (%b::text[]))
 ORDER BY n.position, n.number LIMIT %b
"""
_EPOCHS = "SELECT first FROM journal_epoch WHERE bucket = %b ORDER BY first"

_decode = msgspec.json.Decoder(list[tuple[int, int, str | None, Row]]).decode

Told = JournalRow | NoticeRow

NO_THRESHOLDS: Thresholds = {}


class Wanted(NamedTuple):
    """Of which kinds of rows and which types of notices there is need; what else there is, is passed over."""

    kinds: Collection[str]
    types: Collection[str]


class Begun(NamedTuple):
    """How many of the notices and the rows that stand at a cursor's position were read before."""

    notices: int
    rows: int


class RowsAfter(NamedTuple):
    """What comes after a cursor, in its order. `cursor` goes on from there; `more`: there is more already.

    `cut`: more of it was wanted than was allowed; it ends with the last of `rows`, wherever that is.
    """

    rows: list[Told]
    cursor: int
    more: bool
    cut: bool = False


class EventsAfter(NamedTuple):
    """The events that come after a cursor. `customers` has the key of each one's customer, 0 where it is nobody's."""

    events: list[Event]
    customers: list[int]
    cursor: int
    more: bool


async def read_events(
    connection: Connection, bucket: int, after: int, most: int, low: Thresholds = NO_THRESHOLDS
) -> EventsAfter:
    """About `most` rows after a cursor, at least 1, and what they tell; some more where a transaction wrote them.

    In a transaction its isolation must be READ COMMITTED. Raises UnknownKindError.
    """
    rows, cursor, more, _ = await read_rows(connection, bucket, after, most)
    told = [(event, row.customer) for row in rows for event in all_told(row, low)]
    return EventsAfter([event for event, _ in told], [customer for _, customer in told], cursor, more)


def all_told(row: Told, low: Thresholds) -> list[Event]:
    """The row's event, and behind it what follows from it. Raises UnknownKindError."""
    further = tell_low(row, low) if isinstance(row, JournalRow) else None
    return [tell(row)] if further is None else [tell(row), further]


async def read_rows(
    connection: Connection,
    bucket: int,
    after: int,
    most: int,
    wanted: Wanted | None = None,
    at_most: int | None = None,
    begun: Begun | None = None,
) -> RowsAfter:
    """The rows and notices themselves, of about `most` of them those that are wanted: there may be none.

    With `at_most` there are no more than that, and a transaction may end on another page: what is `begun` at the
    cursor is read to its end.
    """
    told = begun or Begun(0, 0)
    start = after - 1 if begun else after
    place = (bucket, start, await horizon(connection, bucket))
    stretch = await connection.execute(_STRETCH, (*place, most, *place, most, most), binary=True)
    [(count, end)] = await stretch.fetchall()
    if end is None:
        return RowsAfter([], after, more=False)
    kinds, types = (None, None) if wanted is None else (list(wanted.kinds), list(wanted.types))
    within = (bucket, start, end, after)
    notices = await connection.execute(_NOTICES, (*within, told.notices, types, types, at_most), binary=True)
    rows = await connection.execute(_ROWS, (*within, told.rows, kinds, kinds, at_most), binary=True)
    epochs = await connection.execute(_EPOCHS, (bucket,), binary=True)
    firsts = [int(first) for (first,) in await epochs.fetchall()]
    found: list[Told] = [_notice(bucket, firsts, notice) for notice in await notices.fetchall()]
    [(text,)] = await rows.fetchall()
    found += [_row(bucket, firsts, *row) for row in _decode(text or "[]")]
    found.sort(key=order)
    # Each of the two may have been cut: what comes first of both is whole.
    cut = at_most is not None and len(found) >= at_most
    return RowsAfter(found[:at_most], int(end), count == most, cut)


def order(told: Told) -> tuple[int, bool, int]:
    """By what all that is told is ordered. The numbers of one position's notices and rows begin anew: notices first."""
    place = told.place
    return place.position, isinstance(told, JournalRow), place.number


def _place(bucket: int, firsts: Sequence[int], position: int, number: int, customer_id: str | None) -> Place:
    begun = bisect_right(firsts, position)
    return Place(bucket, position, number, firsts[begun - 1] if begun else 0, customer_id)


def _row(
    bucket: int, firsts: Sequence[int], position: int, number: int, customer_id: str | None, row: Row
) -> JournalRow:
    if row.at.tzinfo is not UTC:  # the database is set to another zone
        row = msgspec.structs.replace(row, at=row.at.astimezone(UTC))
    return JournalRow(_place(bucket, firsts, position, number, customer_id), row)


def _notice(bucket: int, firsts: Sequence[int], stored: Sequence[Any]) -> NoticeRow:
    position, number, customer_id, customer, kind, key, at, data = stored
    return NoticeRow(
        _place(bucket, firsts, position, number, customer_id), customer, kind, key, at.astimezone(UTC), data
    )
