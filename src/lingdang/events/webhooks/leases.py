"""Which worker sends for which endpoint: a lease that is said again every second, and free some seconds after the last.

A lease is no lock. Whoever was stopped for longer than it lasts may still have a request under way; what he writes down
is refused then, and the same event may arrive twice.
"""

import time
from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid4

from lingdang.db.pool import Connection

LEASE_SECONDS = 5.0
RENEW_SECONDS = 1.0

# What a lease says need not survive the server: it is said again.
_NO_WAIT = "SELECT set_config('synchronous_commit', 'off', true)"
_TAKE = """
UPDATE webhook_lease l SET holder = %b, until = clock_timestamp() + %b * interval '1 second'
  FROM (SELECT l.endpoint_id, l.holder FROM webhook_lease l JOIN webhook_endpoint e USING (endpoint_id)
         WHERE e.active AND (l.holder = %b OR l.until < clock_timestamp()) ORDER BY l.endpoint_id
           FOR UPDATE OF l SKIP LOCKED) free
 WHERE l.endpoint_id = free.endpoint_id
RETURNING l.endpoint_id, free.holder IS NOT DISTINCT FROM l.holder
"""
# Who is writing down has the row locked: it is not renewed then, and is theirs all the same.
_KEPT = """
SELECT l.endpoint_id FROM webhook_lease l JOIN webhook_endpoint e USING (endpoint_id)
 WHERE e.active AND l.holder = %b AND l.until > clock_timestamp()
"""
_HELD = """
SELECT set_config('synchronous_commit', 'off', true)
  FROM webhook_lease l JOIN webhook_endpoint e USING (endpoint_id)
 WHERE l.endpoint_id = %b AND l.holder = %b AND e.created_at = %b FOR UPDATE OF l
"""
_RELEASE = "UPDATE webhook_lease SET holder = NULL, until = clock_timestamp() WHERE holder = %b"


class EndedError(Exception):
    """A courier's work is over: the endpoint is paused, deleted or made anew."""


class LeaseLostError(EndedError):
    """Another worker sends for the endpoint now, or it is gone."""


class InDoubtError(EndedError):
    """Nobody knows whether the last transaction was committed: what a courier remembers may not be what is written."""


class Leased(NamedTuple):
    """The endpoints that a process sends for: those whose lease it has said again, or taken (`new`), and all of them,
    also those of which it is writing something down."""

    said: set[str]
    new: set[str]
    all: set[str]


class Leases:
    """The leases of one process."""

    def __init__(self) -> None:
        self.holder: UUID = uuid4()
        self._until: dict[str, float] = {}

    async def take(self, connection: Connection) -> Leased:
        """Renew what is held and take what is free. In a transaction."""
        asked = time.monotonic()
        await connection.execute(_NO_WAIT)
        rows = await connection.execute(_TAKE, (self.holder, LEASE_SECONDS, self.holder), binary=True)
        taken: dict[str, bool] = dict(await rows.fetchall())
        rows = await connection.execute(_KEPT, (self.holder,), binary=True)
        kept = {endpoint_id for (endpoint_id,) in await rows.fetchall()}
        until = self._until | dict.fromkeys(taken, asked + LEASE_SECONDS)
        self._until = {endpoint_id: until.get(endpoint_id, asked) for endpoint_id in taken.keys() | kept}
        new = {endpoint_id for endpoint_id, renewed in taken.items() if not renewed}
        return Leased(set(taken), new, set(self._until))

    def is_valid(self, endpoint_id: str) -> bool:
        """Whether nobody else can have taken it yet, as far as this process knows."""
        return time.monotonic() < self._until.get(endpoint_id, 0.0)

    async def require(self, connection: Connection, endpoint_id: str, created_at: datetime) -> None:
        """Hold the endpoint that was created then until the transaction ends, which need not survive the server: what
        was written down of deliveries and is lost is sent again. Raises LeaseLostError."""
        rows = await connection.execute(_HELD, (endpoint_id, self.holder, created_at), binary=True)
        if not rows.rowcount:
            raise LeaseLostError(endpoint_id)

    async def release(self, connection: Connection) -> None:
        """Let others send at once."""
        await connection.execute(_RELEASE, (self.holder,))
