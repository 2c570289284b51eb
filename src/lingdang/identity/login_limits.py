"""How often a password may be guessed: failures are counted in the database, over all workers and machines.

Only a wrong password is a failure. Those of one customer are looked at one after the other in each worker, so that
guesses made in parallel overrun the limit by no more than the other workers have under way. A customer that does not
exist is counted like one that does. Why addresses are slowed and not shut out: docs/decisions/0016-guessing.md.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

from lingdang.clock import Clock
from lingdang.db.pool import Pool, fetch_all, transaction
from lingdang.errors import Problem, retry_later
from lingdang.identity.failures import Failures, Limit
from lingdang.identity.turns import Turns

CUSTOMER_WAITING = 32
"""Attempts of one customer that may wait in one worker while another one is looked at."""
ADDRESS_ABREAST = 48
"""Attempts from one address that one worker has under way: not all of the places that there are for passwords."""
SLOW_SECONDS = 1.0
"""At an address with too many failures a worker looks at one attempt after the other, and pauses after a failure."""
SLOW_WAITING = 8
KNOWN_FOR = timedelta(days=30)
"""How long an address stays known to a customer who has signed in there."""
KNOWN_AT_MOST = 8
"""Addresses that are known to one customer: the newest ones."""

_KNOW = """
INSERT INTO login_attempt AS l (subject, attempts, expires_at) VALUES (%b, '{}', %b)
ON CONFLICT (subject) DO UPDATE SET attempts = '{}', expires_at = EXCLUDED.expires_at
 WHERE l.attempts <> '{}' OR l.expires_at < EXCLUDED.expires_at - interval '1 day'
"""
# A space stands behind the customer's id, and no id has one: these are the customer's rows and nobody else's.
_KNOW_NO_MORE_THAN = """
DELETE FROM login_attempt WHERE subject = ANY(ARRAY(
    SELECT subject FROM login_attempt WHERE subject > %b::text || ' ' AND subject < %b::text || '!'
     ORDER BY expires_at DESC, subject OFFSET %b
))
"""


class _Attempt(NamedTuple):
    """Who tries from where, as the subjects that failures are counted by."""

    customer: Limit
    address: Limit
    known: Limit
    """The customer at this address: there once a password was right there."""


class LoginLimits:
    """At most so many failures of one customer within `window_seconds`; beyond those from one address it is slowed."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        customer: int,
        address: int,
        window_seconds: int,
        slow_seconds: float = SLOW_SECONDS,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._failures = Failures(pool, window_seconds)
        self._customer = customer
        self._address = address
        self._slow_seconds = slow_seconds
        self._by_customer = Turns(1, CUSTOMER_WAITING)
        self._by_address = Turns(ADDRESS_ABREAST, 0)
        self._slowly = Turns(1, SLOW_WAITING, code="rate_limited", seconds=slow_seconds)

    @asynccontextmanager
    async def attempt(self, cust_id: str, address: str) -> AsyncIterator[None]:
        """One attempt: a failure when the block raises `unauthenticated`, and only then.

        A success forgets the customer's failures, but not the address's, which may be guessing at others.

        Raises Problem `rate_limited` when there were too many failures, `overloaded` when too many attempts are under
        way; neither is a failure.
        """
        attempt = self._attempt(cust_id, _network(address))
        async with self._by_address.turn(attempt.address.subject), self._by_customer.turn(attempt.customer.subject):
            now = self._clock()
            waits = await self._failures.waits(attempt, now)
            is_known = attempt.known.subject in waits
            counted = [attempt.known] if is_known else [attempt.customer, attempt.address]
            _refuse_too_many(counted[0], waits)
            is_slowed = not is_known and waits.get(attempt.address.subject, 0) > 0
            async with self._slowly.turn(attempt.address.subject) if is_slowed else nullcontext():
                try:
                    yield
                except Problem as problem:
                    if problem.code == "unauthenticated":
                        await self._failures.add(counted, now)
                        await asyncio.sleep(self._slow_seconds if is_slowed else 0)
                    raise
                await self._know(attempt, is_known, now)

    def _attempt(self, cust_id: str, network: str) -> _Attempt:
        return _Attempt(
            Limit(f"customer {cust_id}", self._customer),
            Limit(f"address {network}", self._address),
            Limit(f"known {cust_id} {network}", self._customer),
        )

    async def _know(self, attempt: _Attempt, is_known: bool, now: datetime) -> None:
        """Remember where the customer signed in; what fails there counts by itself from now on."""
        known = attempt.known.subject
        if is_known:
            await fetch_all(self._pool, _KNOW, (known, now + KNOWN_FOR))
            return
        everywhere = known.rpartition(" ")[0]
        async with transaction(self._pool) as connection:
            await connection.execute(_KNOW, (known, now + KNOWN_FOR))
            await connection.execute(_KNOW_NO_MORE_THAN, (everywhere, everywhere, KNOWN_AT_MOST))
        await self._failures.forget(attempt.customer.subject)


def _refuse_too_many(limit: Limit, waits: dict[str, int]) -> None:
    wait = waits.get(limit.subject, 0)
    if wait:
        kind = limit.subject.partition(" ")[0]
        where = "of the customer" if kind == "customer" else "of the customer at a known address"
        raise retry_later("rate_limited", wait, why=f"{limit.failures} wrong passwords {where}")


def _network(address: str) -> str:
    """An IPv6 client holds a whole /64; an IPv4 one its address."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64].replace(" ", "_")
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(IPv6Address(int(parsed) >> 64 << 64))
