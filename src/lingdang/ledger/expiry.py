"""Booking out what has lapsed in wallets that nobody touches."""

import asyncio

from lingdang.db.pool import Pool, fetch_all
from lingdang.errors import Problem
from lingdang.ledger.commands import Expire
from lingdang.ledger.settlement import Settlement

_SQL = """
SELECT customer_id, currency FROM wallet WHERE next_expiry IS NOT NULL AND next_expiry <= now()
 ORDER BY next_expiry LIMIT 500
"""


async def sweep_expiry(pool: Pool, settlement: Settlement) -> int:
    """Expire up to 500 wallets, the longest overdue first. Returns how many were found.

    A command refused for want of room is found again by the next sweep. Raises Problem `overloaded` when the
    database is away.
    """
    rows = await fetch_all(pool, _SQL)
    commands = [Expire(cust_id=cust_id, currency=currency) for cust_id, currency in rows]
    answers = await asyncio.gather(*map(settlement.submit, commands), return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(answer, Problem):
            raise answer
    return len(rows)
