"""Telling of bells before they lapse: a healer that looks through the wallets with an end within some days."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from lingdang.clock import Clock, rfc3339
from lingdang.db.pool import Connection, Pool, connection_of
from lingdang.db.rests import Rests
from lingdang.events import kinds, notices
from lingdang.events.notices import Notice
from lingdang.ledger.lots import lot_expiry, lot_kind

EVERY_SECONDS = 600.0
"""From the end of one look through all wallets to the next one of the same worker."""
ROUND_SECONDS = 20.0
"""After so long other healers have their turn."""
BATCH = 500
"""Wallets in one look."""

_TAKE = "SELECT pg_try_advisory_xact_lock(hashtextextended('expiring', 0))"
# A wallet that has nothing to tell of has a row all the same: a look goes on behind it.
_NEXT = f"""
SELECT w.next_expiry, w.customer, w.currency, l.lot, l.amount
  FROM (SELECT * FROM wallet
         WHERE bucket = %b AND next_expiry <= %b AND (next_expiry, customer, currency) > (%b, %b, %b)
         ORDER BY next_expiry, customer, currency LIMIT {BATCH}) w
  LEFT JOIN LATERAL (
       SELECT l.lot, l.amount FROM unnest(w.lots, w.remaining) AS l (lot, amount)
        WHERE split_part(l.lot, '@', 2) > %b AND split_part(l.lot, '@', 2) <= %b
          AND (SELECT true FROM notice n
                WHERE n.bucket = w.bucket AND n.customer = w.customer AND n.type = 'wallet.expiring'
                  AND n.key = w.currency || ' ' || l.lot LIMIT 1) IS NULL
       ) l ON true
 ORDER BY w.next_expiry, w.customer, w.currency
"""  # noqa: S608 - a constant


class _Wallet(NamedTuple):
    """Up to which wallet a look has come, in the order of their ends."""

    next_expiry: datetime
    customer: int = 0
    currency: str = ""


_FIRST = _Wallet(datetime(2000, 1, 1, tzinfo=UTC))


class ExpiringSoon:
    """One worker's part; of several one is at it at a time. `days` 0: never. `told` counts what it has told of."""

    def __init__(
        self, pool: Pool, buckets: int, days: int, clock: Clock, settled: Callable[[], float] = lambda: 0.0
    ) -> None:
        self._pool = pool
        self._buckets = buckets
        self._ahead = timedelta(days=days)
        self._clock = clock
        self._rests = Rests(settled)
        self._again = time.monotonic()
        self._bucket = 0
        self._wallet = _FIRST
        self.told = 0

    async def run(self) -> bool:
        """Look through the wallets, for up to ROUND_SECONDS. Returns whether it ended with work left.

        Raises Problem `overloaded` when the database is away.
        """
        if not self._ahead or time.monotonic() < self._again:
            return False
        end = time.monotonic() + ROUND_SECONDS
        while self._bucket < self._buckets and time.monotonic() < end:
            began = time.monotonic()
            async with connection_of(self._pool) as connection:
                await self._one_batch(connection)
            await self._rests.after(time.monotonic() - began)
        if self._bucket < self._buckets:
            return True
        self._bucket, self._wallet, self._again = 0, _FIRST, time.monotonic() + EVERY_SECONDS
        return False

    async def _one_batch(self, connection: Connection) -> None:
        now = self._clock()
        until = now + self._ahead
        await notices.begin(connection, self._bucket)
        async with connection.transaction():
            await self._pool.limit_transaction(connection)
            if await (await connection.execute(_TAKE, binary=True)).fetchone() != (True,):
                self._bucket = self._buckets  # another worker is at it
                return
            place = (self._bucket, until, *self._wallet, rfc3339(now), rfc3339(until))
            rows = await (await connection.execute(_NEXT, place, binary=True)).fetchall()
            found = [
                _notice(customer, currency, lot, amount)
                for _, customer, currency, lot, amount in rows
                if lot is not None
            ]
            if found:
                self.told += await notices.write(connection, self._bucket, now, found)
        if rows:
            self._wallet = _Wallet(*rows[-1][:3])
        else:
            self._bucket, self._wallet = self._bucket + 1, _FIRST


def _notice(customer: int, currency: str, lot: str, amount: int) -> Notice:
    expires_at = lot_expiry(lot)
    assert expires_at is not None, "its end was compared"
    data = kinds.WalletExpiring(currency=currency, kind=lot_kind(lot), amount=amount, expires_at=expires_at)
    return Notice(customer, kinds.EXPIRING, f"{currency} {lot}", data)
