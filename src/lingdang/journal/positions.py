"""Reading the journal on from a cursor: one order for all readers, which is each customer's own order, without a gap.

A row's position is the id of the transaction that wrote it, shifted by the epoch (ledger/begin.sql): a customer's rows
are written one transaction after the other, so their positions rise. What is below the horizon has ended, and the
statement after the one that asked for it sees all of that (journal/horizon.sql). A cursor is the position of a row.
Pages end with a whole transaction.
"""

from typing import NamedTuple

from lingdang.db.pool import Connection

_HORIZON = "SELECT journal_horizon(%b::smallint)"
_END = """
SELECT position FROM transfer WHERE bucket = %b AND position > %b AND position < %b
 ORDER BY position OFFSET %b LIMIT 1
"""
_PLACES = """
SELECT position, customer, seq FROM transfer WHERE bucket = %b AND position > %b AND position < %b AND position <= %b
 ORDER BY position, customer, seq
"""

_KEPT = "SELECT coalesce(max(position), 0) FROM transfer WHERE bucket = %b AND position <= %b"

MAX_POSITION = 2**63 - 1


class RowPosition(NamedTuple):
    """Where a row stands: in the journal of all, and in its customer's."""

    position: int
    customer: int
    seq: int


class RowsAfter(NamedTuple):
    """What comes after a cursor. `cursor` goes on from there; `more`: there is more already."""

    places: list[RowPosition]
    cursor: int
    more: bool


async def horizon(connection: Connection, bucket: int) -> int:
    """The position below which every settlement has ended. A later statement sees all of it."""
    [(below,)] = await (await connection.execute(_HORIZON, (bucket,), binary=True)).fetchall()
    return int(below)


async def read_on(connection: Connection, bucket: int, after: int, most: int) -> RowsAfter:
    """About `most` rows after a cursor, at least 1; some more where a transaction wrote them.

    In a transaction its isolation must be READ COMMITTED.
    """
    below = await horizon(connection, bucket)
    cursor = await connection.execute(_END, (bucket, after, below, most - 1), binary=True)
    end = await cursor.fetchone()
    upto = MAX_POSITION if end is None else int(end[0])
    rows = await (await connection.execute(_PLACES, (bucket, after, below, upto), binary=True)).fetchall()
    places = [RowPosition(*row) for row in rows]
    return RowsAfter(places, places[-1].position if places else after, end is not None)


async def kept_to(connection: Connection, bucket: int, cursor: int) -> int:
    """The cursor itself, or where a reader has to resume because a restore has lost what it saw last.

    What came after that position is not what the reader saw, though what comes now stands above its cursor. Of what
    stands below, rows that were committed in the last moments before the restore's end may be missing too, where
    others that were committed earlier stand above them: whoever knows rows by customer and seq sees their seq again.
    """
    [(kept,)] = await (await connection.execute(_KEPT, (bucket, cursor), binary=True)).fetchall()
    return int(kept)
