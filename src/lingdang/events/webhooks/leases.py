"""Which worker sends for which endpoint: a lease that is said again every second, and free some seconds after the last.

A lease is no lock. Whoever was stopped for longer than it lasts may still have a request under way; what he writes down
is refused then, and the same event may arrive twice.
"""

import time
from uuid import UUID, uuid4

from lingdang.db.pool import Connection

LEASE_SECONDS = 5.0
RENEW_SECONDS = 1.0

# What a lease says need not survive the server: it is said again.
_NO_WAIT = "SELECT set_config('synchronous_commit', 'off', true)"
_TAKE = """
UPDATE webhook_lease l SET holder = %b, until = clock_timestamp() + %b * interval '1 second'
  FROM (SELECT l.endpoint_id FROM webhook_lease l JOIN webhook_endpoint e USING (endpoint_id)
         WHERE e.active AND (l.holder = %b OR l.until < clock_timestamp()) ORDER BY l.endpoint_id
           FOR UPDATE OF l SKIP LOCKED) free
 WHERE l.endpoint_id = free.endpoint_id
RETURNING l.endpoint_id
"""
_HELD = """
SELECT set_config('synchronous_commit', 'off', true) FROM webhook_lease
 WHERE endpoint_id = %b AND holder = %b FOR UPDATE
"""
_RELEASE = "UPDATE webhook_lease SET holder = NULL, until = clock_timestamp() WHERE holder = %b"


class LeaseLostError(Exception):
    """Another worker sends for the endpoint now, or it is gone."""


class Leases:
    """The leases of one process."""

    def __init__(self) -> None:
        self.holder: UUID = uuid4()
        self._until = 0.0

    async def take(self, connection: Connection) -> set[str]:
        """Renew what is held and take what is free: the endpoints that this process sends for. In a transaction."""
        asked = time.monotonic()
        await connection.execute(_NO_WAIT)
        rows = await connection.execute(_TAKE, (self.holder, LEASE_SECONDS, self.holder), binary=True)
        taken = {endpoint_id for (endpoint_id,) in await rows.fetchall()}
        self._until = asked + LEASE_SECONDS
        return taken

    def are_valid(self) -> bool:
        """Whether nobody else can have taken them yet, as far as this process knows."""
        return time.monotonic() < self._until

    async def require(self, connection: Connection, endpoint_id: str) -> None:
        """Hold the endpoint until the transaction ends, which need not survive the server: what was written down of
        deliveries and is lost is sent again. Raises LeaseLostError."""
        rows = await connection.execute(_HELD, (endpoint_id, self.holder), binary=True)
        if not rows.rowcount:
            raise LeaseLostError(endpoint_id)

    async def release(self, connection: Connection) -> None:
        """Let others send at once."""
        await connection.execute(_RELEASE, (self.holder,))
