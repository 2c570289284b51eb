"""Asking: nothing silent stays open. A provider is asked how a payment stands, and what has expired is closed there."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import structlog

from lingdang.clock import Clock
from lingdang.db.pool import Pool, connection_of, fetch_all
from lingdang.ids import uuid7
from lingdang.topup import rows
from lingdang.topup.abreast import ABREAST, abreast
from lingdang.topup.accounts import Account, Accounts
from lingdang.topup.advancing import ASKS, next_ask
from lingdang.topup.following import Following
from lingdang.topup.inbox import Inbox
from lingdang.topup.providers.provider import Provider, Refused, Standing, Unavailable
from lingdang.topup.rows import TopupRow

_HELD = timedelta(seconds=60)
"""Whoever asks for one is given so long before another one asks."""

_CLAIM = """
UPDATE topup SET next_ask_at = %b WHERE topup_id IN (
    SELECT topup_id FROM topup WHERE account = %b AND next_ask_at <= %b AND customer <> 0
     ORDER BY next_ask_at LIMIT %b FOR UPDATE SKIP LOCKED
) RETURNING topup_id
"""

_log = structlog.get_logger(__name__)


class Asking:
    """Asks for open top-ups, for all accounts. `asked` counts questions."""

    def __init__(self, pool: Pool, accounts: Accounts, inbox: Inbox, following: Following, clock: Clock) -> None:
        self._pool = pool
        self._accounts = accounts
        self._inbox = inbox
        self._following = following
        self._clock = clock
        self.asked = 0

    async def run(self, account: str) -> bool:
        """Ask an account for those that are due; whether there were as many as are asked for at once."""
        now = self._clock()
        claimed = await fetch_all(self._pool, _CLAIM, (now + _HELD, account, now, ABREAST))
        await abreast(self.ask(row) for row in await rows.find_all(self._pool, [each for (each,) in claimed]))
        return len(claimed) == ABREAST

    async def ask(self, row: TopupRow) -> TopupRow:
        """Ask how it stands; one that has expired is closed first. Answers the top-up as it is then.

        Raises Problem `overloaded`.
        """
        try:
            await self.ask_at_once(row)
        except (Unavailable, Refused) as error:
            _log.warning("provider_unavailable", account=row.account, topup=str(row.topup_id), reason=str(error))
            await self._schedule(row)
        return await rows.known(self._pool, row.topup_id)

    async def ask_at_once(self, row: TopupRow) -> None:
        """As `ask`. Raises Unavailable and Refused as well, where the provider does not say."""
        account = self._accounts.get(row.account)
        now = self._clock()
        expired = row.paid_at is None and row.closed is None and now >= row.expires_at
        standing = None if account is None else await self._standing(account, row, expired)
        if standing is not None:
            place = await self._inbox.answer(row.account, f"answer {uuid7()}", standing, row.version, now)
            await self._following.try_out(place)
        await self._schedule(row)

    async def _standing(self, account: Account, row: TopupRow, expired: bool) -> Standing | None:
        """What the provider says; None where it knows nothing of it. When that expires, it is closed."""
        self.asked += 1
        provider: Provider = account.provider
        work = provider.close if expired else provider.ask
        standing = await account.call(lambda: work(row.topup_id, row.reference))
        if standing is None:
            return (
                Standing(topup_id=row.topup_id, reference=None, state="closed", at=self._clock()) if expired else None
            )
        return msgspec.structs.replace(standing, topup_id=row.topup_id)

    async def _schedule(self, row: TopupRow) -> None:
        await self._change(row.topup_id, lambda found: _scheduled(found, row, self._clock()))

    async def _change(self, topup_id: UUID, how: Callable[[TopupRow], TopupRow]) -> None:
        async with connection_of(self._pool) as connection, connection.transaction():
            await self._pool.limit_transaction(connection)
            row = await rows.locked(connection, topup_id)
            changed = how(row)
            if changed != row:
                await rows.update(connection, changed)


def _scheduled(found: TopupRow, asked: TopupRow, now: datetime) -> TopupRow:
    """When it is asked for next: by the schedule, unless it is final, or something has come meanwhile."""
    if found.next_ask_at is None:
        return found
    found = msgspec.structs.replace(found, asks=asked.asks + 1)
    return msgspec.structs.replace(found, next_ask_at=now + ASKS[-1] if found.disputed else next_ask(found, now))
