"""Booking out what has lapsed in wallets that nobody touches: in shares, by every worker, beside payments.

Customers are spread over shares by their keys. Whoever works on one holds its lock meanwhile, and others take other
shares: so no two workers book out one wallet, and more of them are quicker.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from random import Random

from psycopg.rows import TupleRow

from lingdang.clock import Clock
from lingdang.db.pool import Pool, fetch_all, transaction
from lingdang.db.rests import Rests
from lingdang.errors import Problem
from lingdang.ledger.expiring import Expire
from lingdang.ledger.settlement import Settlement

SHARES = 32
BATCH = 100
"""Wallets that a worker books out at once."""
ROUND_SECONDS = 20.0
"""After so long other healers have their turn."""

_ANY = "SELECT 1 FROM wallet WHERE next_expiry <= %b LIMIT 1"
_TAKE = "SELECT pg_try_advisory_xact_lock(hashtextextended('expiry', %b))"
_LAPSED = f"""
SELECT customer, currency FROM wallet
 WHERE next_expiry <= %b AND customer %% {SHARES} = %b
 ORDER BY next_expiry LIMIT {BATCH}
"""  # noqa: S608 - constants


class ExpirySweep:
    """One worker's part in booking out what has lapsed. `wallets` counts those that it has booked out."""

    def __init__(
        self, pool: Pool, settlement: Settlement, clock: Clock, settled: Callable[[], float], seed: int | None = None
    ) -> None:
        self._pool = pool
        self._settlement = settlement
        self._clock = clock
        self._random = Random(seed)  # noqa: S311 - it only spreads the workers
        self._rests = Rests(settled)
        self.wallets = 0

    async def run(self) -> bool:
        """Book out what has lapsed, for up to ROUND_SECONDS. Returns whether they ended with work left.

        What is refused for want of room is found again. Raises Problem `overloaded` when the database is away.
        """
        if not await fetch_all(self._pool, _ANY, (self._clock(),)):
            return False
        end = time.monotonic() + ROUND_SECONDS
        shares = self._random.sample(range(SHARES), SHARES)
        while shares and time.monotonic() < end:
            began = time.monotonic()
            count = await self._one_batch(shares[-1])
            self.wallets += count
            if count < BATCH:
                shares.pop()
            if count:
                await self._rests.after(time.monotonic() - began)
        return bool(shares)

    async def _one_batch(self, share: int) -> int:
        """Book out the wallets of a share that are the longest overdue; none while another worker is at it."""
        async with transaction(self._pool) as connection:
            now = self._clock()
            taken = await (await connection.execute(_TAKE, (share,), binary=True)).fetchone()
            if taken != (True,):
                return 0
            rows = await (await connection.execute(_LAPSED, (now, share), binary=True)).fetchall()
            return await self._book_out(rows)

    async def _book_out(self, rows: Sequence[TupleRow]) -> int:
        """How many of them are done."""
        commands = [Expire(customer=customer, currency=currency) for customer, currency in rows]
        answers = await asyncio.gather(*map(self._settlement.submit, commands), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, Problem):
                raise answer
        return sum(not isinstance(answer, Problem) for answer in answers)
