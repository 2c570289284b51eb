"""What could not be delivered to an endpoint: rows for events that failed, and for those of the same customer behind.

Only the first row of a customer is due at a time; the others wait until it was delivered or parked. A row has its
event's place alone: the event is told anew from the journal when it is sent.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from lingdang.db.pool import Connection

MOST_WAITING = 100_000
"""Beyond so many rows of an endpoint nothing more is read for it until some were delivered or given up."""
MOST_OF_ONE = 10_000
"""A customer of whom so many rows wait is given up as a whole, so that one alone never fills an endpoint."""
MOST_PARKED = 100_000
"""When so many rows were given up since an endpoint was written, it is paused: its operator has to look."""

_ADD = """
INSERT INTO webhook_held (endpoint_id, bucket, customer, position, event_id, happened_at, failures, first_failed_at,
                          due_at, reason, replayed)
SELECT %b, * FROM unnest(%b::smallint[], %b::bigint[], %b::bigint[], %b::text[], %b::timestamptz[], %b::integer[],
                         %b::timestamptz[], %b::timestamptz[], %b::text[], %b::boolean[])
    ON CONFLICT (endpoint_id, event_id) DO UPDATE
   SET failures = EXCLUDED.failures, first_failed_at = EXCLUDED.first_failed_at, due_at = EXCLUDED.due_at,
       parked_at = NULL, reason = EXCLUDED.reason, replayed = EXCLUDED.replayed
 WHERE webhook_held.parked_at IS NOT NULL
RETURNING bucket, customer
"""
_CUSTOMERS = """
SELECT bucket, customer, count(*) FROM webhook_held WHERE endpoint_id = %b AND parked_at IS NULL GROUP BY 1, 2
"""
_DUE = """
SELECT bucket, customer FROM webhook_held WHERE endpoint_id = %b AND due_at <= %b ORDER BY due_at LIMIT %b
"""
_FIRST = """
SELECT bucket, customer FROM webhook_held WHERE endpoint_id = %b AND due_at IS NOT NULL ORDER BY number LIMIT %b
"""
_ROWS = """
SELECT number, bucket, customer, position, event_id, happened_at, failures, first_failed_at, replayed
  FROM webhook_held
 WHERE endpoint_id = %b AND bucket = %b AND customer = %b AND parked_at IS NULL ORDER BY number LIMIT %b
"""
_DELIVERED = "DELETE FROM webhook_held WHERE endpoint_id = %b AND number = ANY(%b)"
_FAILED = """
UPDATE webhook_held SET failures = %b, first_failed_at = %b, due_at = %b, reason = %b
 WHERE endpoint_id = %b AND number = %b
"""
_POSTPONE = "UPDATE webhook_held SET due_at = %b WHERE endpoint_id = %b AND number = %b"
_BEGIN_ANEW = """
UPDATE webhook_held SET first_failed_at = NULL
 WHERE endpoint_id = %b AND first_failed_at IS NOT NULL AND parked_at IS NULL
"""
_PARKED = """
UPDATE webhook_held SET failures = %b, due_at = NULL, parked_at = %b, reason = %b WHERE endpoint_id = %b AND number = %b
"""
_PARKED_WHOLE = """
UPDATE webhook_held SET due_at = NULL, parked_at = %b, reason = coalesce(reason, %b)
 WHERE endpoint_id = %b AND bucket = %b AND customer = %b AND parked_at IS NULL
"""
_PARKED_SINCE = """
SELECT count(*) FROM (SELECT FROM webhook_held WHERE endpoint_id = %b AND parked_at > %b LIMIT %b) parked
"""
# Of each of these customers the first row, unless it has its time already.
_NEXT = """
UPDATE webhook_held h SET due_at = %b
  FROM (SELECT DISTINCT w.bucket, w.customer FROM unnest(%b::smallint[], %b::bigint[]) AS w (bucket, customer)) w
 CROSS JOIN LATERAL (
       SELECT f.number, f.due_at FROM webhook_held f
        WHERE f.endpoint_id = %b AND f.bucket = w.bucket AND f.customer = w.customer AND f.parked_at IS NULL
        ORDER BY f.number LIMIT 1) f
 WHERE f.due_at IS NULL AND h.endpoint_id = %b AND h.number = f.number
"""
_ARRIVED = """
DELETE FROM webhook_held WHERE endpoint_id = %b AND event_id = ANY(%b) AND parked_at IS NOT NULL
"""

Whose = tuple[int, int]
"""A bucket and a customer of it: events of one such pair arrive in their order. A customer 0 is nobody."""
NOBODY: Whose = (0, 0)


class Held(NamedTuple):
    """A row, as it is added: of an event that failed with `failures` 1 and when it is due, or of one behind it."""

    bucket: int
    customer: int
    position: int
    event_id: str
    happened_at: datetime
    failures: int = 0
    first_failed_at: datetime | None = None
    due_at: datetime | None = None
    reason: str | None = None
    replayed: bool = False
    """It was sent again, of whatever type it is."""


class Waiting(NamedTuple):
    """A row that is there and was not given up."""

    number: int
    bucket: int
    customer: int
    position: int
    event_id: str
    happened_at: datetime
    failures: int
    first_failed_at: datetime | None
    replayed: bool


class WaitingList:
    """Of whom rows are held for an endpoint, and how many: what its one courier knows of the table. `tried` has those
    of whom something is under way again."""

    def __init__(self, counts: dict[Whose, int]) -> None:
        self._counts = counts
        self.tried: set[Whose] = set()
        self.parked = 0
        """How many rows were given up since somebody counted them."""

    def __contains__(self, whose: Whose) -> bool:
        return whose in self._counts

    def __len__(self) -> int:
        return sum(self._counts.values())

    @property
    def is_full(self) -> bool:
        """Whether nothing more is to be read."""
        return len(self) > MOST_WAITING

    def is_crowded(self, whose: Whose) -> bool:
        """Whether a customer has too many rows."""
        return self._counts.get(whose, 0) >= MOST_OF_ONE

    def change(self, whose: Whose, by: int) -> None:
        """So many rows of a customer more, or fewer."""
        left = self._counts.get(whose, 0) + by
        if left > 0:
            self._counts[whose] = left
        else:
            self._counts.pop(whose, None)


async def add(connection: Connection, endpoint_id: str, rows: Sequence[Held], now: datetime) -> list[Whose]:
    """Hold these, in their order; one that is held already stays as it is, unless it was parked: a replay has
    failed to bring it, and it is tried anew. Returns whose was added, row by row."""
    if not rows:
        return []
    columns = [list(column) for column in zip(*rows, strict=True)]
    added = await (await connection.execute(_ADD, (endpoint_id, *columns), binary=True)).fetchall()
    await let_next(connection, endpoint_id, added, now)
    return added


async def waiting_of(connection: Connection, endpoint_id: str) -> dict[Whose, int]:
    """How many rows each customer has that were not given up."""
    rows = await (await connection.execute(_CUSTOMERS, (endpoint_id,), binary=True)).fetchall()
    return {(bucket, customer): number for bucket, customer, number in rows}


async def due(connection: Connection, endpoint_id: str, now: datetime, most: int) -> list[Whose]:
    """Customers whose first row is to be tried now."""
    return await (await connection.execute(_DUE, (endpoint_id, now, most), binary=True)).fetchall()


async def first(connection: Connection, endpoint_id: str, most: int) -> list[Whose]:
    """Customers who have waited the longest, whether anything of theirs is due or not."""
    return await (await connection.execute(_FIRST, (endpoint_id, most), binary=True)).fetchall()


async def rows_of(connection: Connection, endpoint_id: str, whose: Whose, most: int) -> list[Waiting]:
    """The first rows of a customer."""
    rows = await (await connection.execute(_ROWS, (endpoint_id, *whose, most), binary=True)).fetchall()
    return [Waiting(*row) for row in rows]


async def delivered(connection: Connection, endpoint_id: str, rows: Iterable[Waiting]) -> None:
    """Forget what arrived."""
    await connection.execute(_DELIVERED, (endpoint_id, [row.number for row in rows]))


async def failed(
    connection: Connection, endpoint_id: str, row: Waiting, now: datetime, due_at: datetime, reason: str
) -> None:
    """A row that failed once more, and is tried again later."""
    first_failed = row.first_failed_at or now
    await connection.execute(_FAILED, (row.failures + 1, first_failed, due_at, reason, endpoint_id, row.number))


async def postpone(connection: Connection, endpoint_id: str, row: Waiting, due_at: datetime) -> None:
    """A row that was not tried, and is to be then."""
    await connection.execute(_POSTPONE, (due_at, endpoint_id, row.number))


async def begin_anew(connection: Connection, endpoint_id: str) -> None:
    """Nothing could arrive for a while: what failed before is tried for as long as if it had not."""
    await connection.execute(_BEGIN_ANEW, (endpoint_id,))


async def parked(connection: Connection, endpoint_id: str, row: Waiting, now: datetime, reason: str) -> None:
    """A row that was tried for long enough; it stays, to be seen and to be replayed."""
    await connection.execute(_PARKED, (row.failures + 1, now, reason, endpoint_id, row.number))


async def parked_whole(connection: Connection, endpoint_id: str, whose: Whose, now: datetime, reason: str) -> int:
    """All rows of a customer, likewise; `reason` is that of those that were never tried. Returns how many."""
    return (await connection.execute(_PARKED_WHOLE, (now, reason, endpoint_id, *whose))).rowcount


async def has_given_up(connection: Connection, endpoint_id: str, since: datetime) -> bool:
    """Whether MOST_PARKED rows were given up since then."""
    rows = await connection.execute(_PARKED_SINCE, (endpoint_id, since, MOST_PARKED), binary=True)
    return await rows.fetchone() == (MOST_PARKED,)


async def let_next(connection: Connection, endpoint_id: str, whose: Sequence[Whose], now: datetime) -> None:
    """Make the first row of each of these customers due, unless it has its time already."""
    if whose:
        buckets, customers = (list(column) for column in zip(*whose, strict=True))
        await connection.execute(_NEXT, (now, buckets, customers, endpoint_id, endpoint_id))


async def arrived(connection: Connection, endpoint_id: str, event_ids: Sequence[str]) -> None:
    """Forget what was given up and has arrived by a replay."""
    await connection.execute(_ARRIVED, (endpoint_id, list(event_ids)))
