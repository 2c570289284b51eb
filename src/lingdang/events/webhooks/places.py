"""What a courier reads and writes in the database: its endpoint, its cursors, its replays."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from lingdang.db.pool import Connection
from lingdang.events.webhooks.figures import Figures

_LOAD = """
SELECT e.url, e.types, e.thin, e.batch, e.failing_since, e.failures, e.next_try_at,
       ARRAY(SELECT s.number FROM webhook_secret s
              WHERE s.endpoint_id = e.endpoint_id AND (s.ends_at IS NULL OR s.ends_at > %b) ORDER BY 1),
       EXISTS (SELECT FROM webhook_replay r WHERE r.endpoint_id = e.endpoint_id), e.created_at, e.updated_at,
       (SELECT l.holder FROM webhook_lease l WHERE l.endpoint_id = e.endpoint_id)
  FROM webhook_endpoint e WHERE e.endpoint_id = %b AND e.active
"""
_CURSOR = "SELECT position FROM webhook_cursor WHERE endpoint_id = %b AND bucket = %b"
_THERE = """
SELECT EXISTS (SELECT FROM transfer WHERE bucket = %b AND position = %b)
    OR EXISTS (SELECT FROM notice WHERE bucket = %b AND position = %b)
"""
_MOVE = "UPDATE webhook_cursor SET position = %b WHERE endpoint_id = %b AND bucket = %b AND position = %b"
_FAILING = """
UPDATE webhook_endpoint SET failing_since = coalesce(failing_since, %b), failures = %b, next_try_at = %b
 WHERE endpoint_id = %b
"""
_RECOVERED = """
UPDATE webhook_endpoint SET failing_since = NULL, failures = 0, next_try_at = NULL WHERE endpoint_id = %b
"""
_GONE = "UPDATE webhook_endpoint SET active = false, gone_at = %b WHERE endpoint_id = %b AND active"
_READ_FIGURES = "SELECT figures::text FROM webhook_endpoint WHERE endpoint_id = %b"
_FIGURES = "UPDATE webhook_endpoint SET figures = %b::text::jsonb WHERE endpoint_id = %b AND created_at = %b"
_REPLAY = """
SELECT replay_id, bucket, position, upto, types, customer FROM webhook_replay
 WHERE endpoint_id = %b ORDER BY requested_at, replay_id, bucket LIMIT 1
"""
_REPLAYED = """
UPDATE webhook_replay SET position = %b WHERE endpoint_id = %b AND replay_id = %b AND bucket = %b
"""
_END_REPLAY = "DELETE FROM webhook_replay WHERE endpoint_id = %b AND replay_id = %b AND bucket = %b"


class Endpoint(msgspec.Struct, frozen=True):
    """An endpoint as its courier sees it."""

    url: str
    types: Sequence[str] | None
    thin: bool
    batch: int
    failing_since: datetime | None
    failures: int
    next_try_at: datetime | None
    secrets: Sequence[int]
    """The numbers of the secrets that sign now."""
    is_replayed: bool
    """Whether a part of the past is to be sent again."""
    created_at: datetime
    """Tells it from one of the same name that was deleted."""
    updated_at: datetime
    """When it was written the last time."""
    holder: UUID | None
    """Who sends for it."""

    @property
    def state(self) -> tuple[datetime, datetime, Sequence[int], UUID | None]:
        """Differs where the endpoint was written anew, has other secrets, or is somebody else's."""
        return self.created_at, self.updated_at, self.secrets, self.holder

    @property
    def batched(self) -> bool:
        """Whether events come as lists."""
        return self.batch > 1


class Replay(msgspec.Struct, frozen=True):
    """A part of the past that is to be sent again, and how far it has been."""

    replay_id: UUID
    bucket: int
    position: int
    upto: int
    types: Sequence[str] | None
    customer: int | None


async def load(connection: Connection, endpoint_id: str, now: datetime) -> Endpoint | None:
    """The endpoint, while it is active."""
    row = await (await connection.execute(_LOAD, (now, endpoint_id), binary=True)).fetchone()
    return None if row is None else Endpoint(*row)


async def read_figures(connection: Connection, endpoint_id: str) -> Figures:
    """What couriers before have written down."""
    row = await (await connection.execute(_READ_FIGURES, (endpoint_id,), binary=True)).fetchone()
    return Figures() if row is None else msgspec.json.decode(row[0], type=Figures)


async def cursor_of(connection: Connection, endpoint_id: str, bucket: int) -> int:
    """Up to where everything was delivered, or is held."""
    [(position,)] = await (await connection.execute(_CURSOR, (endpoint_id, bucket), binary=True)).fetchall()
    return int(position)


async def is_there(connection: Connection, bucket: int, position: int) -> bool:
    """Whether something that was committed stands at a position, on whichever side of the horizon."""
    rows = await connection.execute(_THERE, (bucket, position, bucket, position), binary=True)
    return await rows.fetchone() == (True,)


async def move(connection: Connection, endpoint_id: str, bucket: int, before: int, position: int) -> None:
    """Move the cursor, unless somebody has put it elsewhere meanwhile."""
    await connection.execute(_MOVE, (position, endpoint_id, bucket, before))


async def note_failing(
    connection: Connection, endpoint_id: str, now: datetime, failures: int, next_try_at: datetime
) -> None:
    """Everything fails there; it is looked at again then."""
    await connection.execute(_FAILING, (now, failures, next_try_at, endpoint_id))


async def note_recovered(connection: Connection, endpoint_id: str) -> None:
    """Something arrived there."""
    await connection.execute(_RECOVERED, (endpoint_id,))


async def note_gone(connection: Connection, endpoint_id: str, now: datetime) -> None:
    """It wants nothing more."""
    await connection.execute(_GONE, (now, endpoint_id))


async def write_figures(connection: Connection, endpoint_id: str, created_at: datetime, figures: Figures) -> None:
    """Write down how it goes at the endpoint that was created then."""
    await connection.execute(_FIGURES, (msgspec.json.encode(figures).decode(), endpoint_id, created_at))


async def next_replay(connection: Connection, endpoint_id: str) -> Replay | None:
    """The oldest replay that has not ended."""
    row = await (await connection.execute(_REPLAY, (endpoint_id,), binary=True)).fetchone()
    return None if row is None else Replay(*row)


async def move_replay(connection: Connection, endpoint_id: str, replay: Replay, position: int, more: bool) -> None:
    """A replay has come so far; without `more` it has ended."""
    place = (endpoint_id, replay.replay_id, replay.bucket)
    if more and position < replay.upto:
        await connection.execute(_REPLAYED, (position, *place))
    else:
        await connection.execute(_END_REPLAY, place)
