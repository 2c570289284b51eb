"""Restores that lost commits: who has read what is gone is told where to resume, and the feed says it at its place.

A restored database has what was committed up to some moment. Positions follow the beginnings of transactions and not
their ends, so below the position of one that is there another may be missing. What a checkpoint had sealed was
committed before the checkpoint: all that the newest one had read which was made before the server started is there.
That is the last true position.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from lingdang.db.pool import Connection
from lingdang.errors import retry_later
from lingdang.events import kinds, notices
from lingdang.events.event import encode, position_text
from lingdang.journal.checkpoints import Checkpoint, peek
from lingdang.journal.witness import Witness, holds

LOOK_SECONDS = 5.0
"""So long the witness is believed before it is looked at again."""
STOPPED_SECONDS = 30
"""After so long a client may ask again, whether an operator has done what there is to do."""

_RESETS = "SELECT key, position - 1 FROM notice WHERE bucket = %b AND customer = 0 AND type = 'feed.reset'"
_THERE = """
SELECT EXISTS (SELECT FROM transfer WHERE bucket = %b AND position = %b)
    OR EXISTS (SELECT FROM notice WHERE bucket = %b AND position = %b)
"""
# A checkpoint that was made later may have sealed what is left, and tells nothing of what was lost.
_LAST_TRUE = """
SELECT coalesce((SELECT c.positions[e.bucket + 1] FROM seal_checkpoint c WHERE c.made_at < e.started
                  ORDER BY c.number DESC LIMIT 1), 0)
  FROM journal_epoch e WHERE e.bucket = %b
 ORDER BY e.first <= %b, CASE WHEN e.first > %b THEN e.first ELSE -e.first END LIMIT 1
"""
_DECLARED = "SELECT EXISTS (SELECT FROM notice WHERE customer = 0 AND type = 'feed.reset' AND at >= %b)"
_PATIENTLY = "SET LOCAL lock_timeout = '30s'"
_ALONE = "SELECT pg_advisory_xact_lock(7308319, 2)"
_NEW = "SELECT journal_begin_anew(%b::smallint)"
_TELL = """
INSERT INTO notice (customer, position, at, bucket, type, key, data) VALUES (0, %b, %b, %b, 'feed.reset', %b, %b::json)
"""
# Endpoints of webhooks are told too. Whoever sends to them begins anew: what is under way is not written down.
_LET_GO = "UPDATE webhook_lease SET holder = NULL, until = clock_timestamp()"
_SEND_AGAIN = "UPDATE webhook_cursor SET position = least(position, %b) WHERE bucket = %b"


class Reset(NamedTuple):
    """A restore that was declared. Numbers rise, also across restores."""

    number: int
    last_true: int


async def resets(connection: Connection, bucket: int) -> list[Reset]:
    """Those that this database knows of."""
    cursor = await connection.execute(_RESETS, (bucket,), binary=True)
    return [Reset(int(number), last_true) for number, last_true in await cursor.fetchall()]


async def lost(connection: Connection, bucket: int, position: int, known: Sequence[Reset], reset: int) -> int | None:
    """Where whoever has read up to a position has to resume; None where all that they saw is there.

    `known` are the bucket's resets, `reset` the number of the newest one that the reader has heard of.
    """
    missed = [each.last_true for each in known if each.number > reset]
    if missed and position > min(missed):
        return min(missed)
    if position == 0:
        return None
    cursor = await connection.execute(_THERE, (bucket, position, bucket, position), binary=True)
    if await cursor.fetchone() == (True,):
        return None
    await notices.begin(connection, bucket)
    return await _last_true(connection, bucket, position)


async def _last_true(connection: Connection, bucket: int, position: int) -> int:
    """Of the first start of the server whose epoch is above a position that was lost."""
    [(found,)] = await (await connection.execute(_LAST_TRUE, (bucket, position, position), binary=True)).fetchall()
    return int(found)


async def declare(connection: Connection, buckets: int, witness: Checkpoint | None, now: datetime) -> list[str]:
    """Begin a new epoch, and have the feed and the endpoints of webhooks told; the last true position of each bucket.

    Nobody settles meanwhile. `witness`: a checkpoint that was lost. Without one it is the newest start of the server at
    which something was lost. The connection must be outside of a transaction.
    """
    for bucket in range(buckets):
        await notices.begin(connection, bucket)
    told: list[str] = []
    async with connection.transaction():
        await connection.execute(_PATIENTLY)
        await connection.execute(_ALONE)
        positions = witness.read_to() if witness else [2**62] * buckets
        last_true = [await _last_true(connection, bucket, positions[bucket]) for bucket in range(buckets)]
        rows = [await (await connection.execute(_NEW, (bucket,))).fetchone() for bucket in range(buckets)]
        number = max(int(row[0]) for row in rows if row)
        await connection.execute(_LET_GO)
        for bucket, position in enumerate(last_true):
            text = position_text(bucket, position)
            data = encode(kinds.FeedReset(last_true=text)).decode()
            await connection.execute(_SEND_AGAIN, (position, bucket))
            await connection.execute(_TELL, (position + 1, now, bucket, str(number), data))
            told.append(text)
    return told


class Rollback:
    """Whether the witness says that the database was put back, and nobody has declared it."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness
        self._looked = -LOOK_SECONDS
        self._stopped = False

    async def refuse(self, connection: Connection) -> None:
        """Raises Problem `feed_stopped` while that is so."""
        if self._stopped or time.monotonic() - self._looked >= LOOK_SECONDS:
            self._stopped = await undeclared(connection, self._witness) is not None
            self._looked = time.monotonic()
        if self._stopped:
            raise retry_later("feed_stopped", STOPPED_SECONDS, why="the witness has a checkpoint that the log lacks")


async def undeclared(connection: Connection, witness: Witness) -> Checkpoint | None:
    """The witness's checkpoint, where the log lacks it and no reset was declared since it was made."""
    known = witness.read()
    stated = None if known is None else peek(known)
    if known is None or stated is None or await holds(connection, known):
        return None
    made = datetime.fromtimestamp(stated.iat, UTC)
    declared = await (await connection.execute(_DECLARED, (made,), binary=True)).fetchone()
    return None if declared == (True,) else stated
