"""How often a password may be guessed: counted in the database, exactly, over all workers.

An attempt is counted before its password is looked at, so that guesses made in parallel cannot overrun the limit.
A customer that does not exist is counted like one that does.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from math import ceil

import msgspec

from lingdang.db.pool import Pool, fetch_all, transaction
from lingdang.errors import Problem, retry_later

# One row for each subject, its moments within the window; the WHERE makes it no row when they fill the limit.
_COUNT = """
INSERT INTO login_attempt AS l (subject, attempts, expires_at) VALUES (%b, ARRAY[%b::timestamptz], %b)
ON CONFLICT (subject) DO UPDATE
   SET attempts = ARRAY(SELECT a FROM unnest(l.attempts) a WHERE a > %b ORDER BY a) || EXCLUDED.attempts,
       expires_at = EXCLUDED.expires_at
 WHERE (SELECT count(*) FROM unnest(l.attempts) a WHERE a > %b) < %b
RETURNING 1
"""
_OLDEST = "SELECT min(a) FROM login_attempt, unnest(attempts) a WHERE subject = %b AND a > %b"
_FORGET = "DELETE FROM login_attempt WHERE subject = %b"
_TAKE_BACK = """
UPDATE login_attempt
   SET attempts = attempts[:array_position(attempts, %b) - 1] || attempts[array_position(attempts, %b) + 1:]
 WHERE subject = %b AND array_position(attempts, %b) IS NOT NULL
"""


class LoginLimits(msgspec.Struct, frozen=True):
    """At most so many attempts that fail, for one customer and from one address, within `window_seconds`."""

    customer: int
    address: int
    window_seconds: int

    @asynccontextmanager
    async def attempt(self, pool: Pool, cust_id: str, address: str, now: datetime) -> AsyncIterator[None]:
        """One attempt: it stays counted when the block raises `unauthenticated`, and only then.

        Raises Problem `rate_limited` at once when there were too many; such an attempt is not counted. A success
        forgets the customer's failures, but not the address's, which may be guessing at others.
        """
        by_customer, by_address = f"customer {cust_id}", f"address {_network(address)}"
        async with transaction(pool) as connection:
            for subject, limit in ((by_customer, self.customer), (by_address, self.address)):
                since = now - timedelta(seconds=self.window_seconds)
                until = now + timedelta(seconds=self.window_seconds)
                counted = await connection.execute(_COUNT, (subject, now, until, since, since, limit))
                if await counted.fetchone() is None:
                    oldest = await (await connection.execute(_OLDEST, (subject, since))).fetchone()
                    raise self._too_many(oldest[0] if oldest else None, now)
        try:
            yield
        except Problem as problem:
            if problem.code != "unauthenticated":
                await fetch_all(pool, _TAKE_BACK, (now, now, by_customer, now))
                await fetch_all(pool, _TAKE_BACK, (now, now, by_address, now))
            raise
        await fetch_all(pool, _FORGET, (by_customer,))
        await fetch_all(pool, _TAKE_BACK, (now, now, by_address, now))

    def _too_many(self, oldest: datetime | None, now: datetime) -> Problem:
        waited = (now - oldest).total_seconds() if oldest else 0.0
        return retry_later("rate_limited", max(1, ceil(self.window_seconds - waited)))


def _network(address: str) -> str:
    """An IPv6 client holds a whole /64; an IPv4 one its address."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(IPv6Address(int(parsed) >> 64 << 64))
