"""Sending a part of the past again: asked for by an operator, done by the endpoint's courier beside what is new."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from lingdang.db.pool import Connection
from lingdang.errors import Problem

MOST_REPLAYS = 20

_ALONE = "SELECT FROM webhook_endpoint WHERE endpoint_id = %b FOR NO KEY UPDATE"
_COUNT = "SELECT count(DISTINCT replay_id) FROM webhook_replay WHERE endpoint_id = %b"
# What is beyond the cursor comes by itself.
_ADD = """
INSERT INTO webhook_replay (endpoint_id, replay_id, bucket, position, upto, types, customer, requested_at)
SELECT c.endpoint_id, %b, c.bucket, r.after, least(r.upto, c.position), %b, %b, %b
  FROM webhook_cursor c
  JOIN unnest(%b::bigint[], %b::bigint[]) WITH ORDINALITY AS r (after, upto, n) ON r.n = c.bucket + 1
 WHERE c.endpoint_id = %b AND r.after < least(r.upto, c.position)
"""


class Part(NamedTuple):
    """What is to be sent again: what stands in each bucket after `after` and up to `upto`."""

    after: Sequence[int]
    upto: Sequence[int]
    types: Sequence[str] | None
    customer: int | None


async def ask_replay(connection: Connection, endpoint_id: str, replay_id: UUID, part: Part, now: datetime) -> None:
    """Have a part of the past sent again. Raises Problem `replays_full` when many are under way."""
    await connection.execute(_ALONE, (endpoint_id,))
    [(number,)] = await (await connection.execute(_COUNT, (endpoint_id,))).fetchall()
    if number >= MOST_REPLAYS:
        raise Problem("replays_full", limit=MOST_REPLAYS)
    types = None if part.types is None else list(part.types)
    place = (replay_id, types, part.customer, now, list(part.after), list(part.upto), endpoint_id)
    await connection.execute(_ADD, place)
