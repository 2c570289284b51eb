"""Evidence: a store that is asked for money back wants to know how much was consumed, and is told from the books."""

import structlog

from lingdang.clock import Clock
from lingdang.db.pool import Pool, fetch_all
from lingdang.errors import retry_later
from lingdang.ledger.reading_left import TopUpLeft, left_of
from lingdang.topup import rows
from lingdang.topup.abreast import ABREAST, abreast
from lingdang.topup.accounts import Accounts
from lingdang.topup.providers.provider import Refused, Unavailable
from lingdang.topup.rows import TopupRow

ALL = 100_000
"""Thousandths of a percent."""
_AGAIN_SECONDS = 60

# One that fails pauses a minute longer each time, up to an hour: Google waits three days.
_CLAIM = f"""
UPDATE topup SET finish_tries = finish_tries + 1,
                 finish_at = %b::timestamptz + least(finish_tries + 1, 60) * interval '1 minute'
 WHERE topup_id IN (
    SELECT topup_id FROM topup
     WHERE account = %b AND channel = 'store' AND credited_at IS NOT NULL AND NOT finished
       AND coalesce(finish_at, credited_at) <= %b
     ORDER BY coalesce(finish_at, credited_at) LIMIT {ABREAST} FOR UPDATE SKIP LOCKED
) RETURNING topup_id
"""  # noqa: S608 - a constant
_FINISHED = "UPDATE topup SET finished = true WHERE bucket = %b AND customer = %b AND topup_id = %b"

_log = structlog.get_logger(__name__)


def consumed(found: TopUpLeft | None) -> int:
    """How much of a top-up was spent, in thousandths of a percent; of one that was not credited nothing."""
    if found is None:
        return 0
    return ALL * found.spent // (found.topup.paid + found.topup.bonus)


class Evidence:
    """Answers stores' questions, and tells them that bells were given."""

    def __init__(self, pool: Pool, accounts: Accounts, clock: Clock, buckets: int) -> None:
        self._pool = pool
        self._accounts = accounts
        self._clock = clock
        self._buckets = buckets

    async def answer(self, row: TopupRow, question: str) -> None:
        """Answer a store's question; one whose answer it refuses for good is over.

        Raises Problem `overloaded` when it does not take the answer now.
        """
        account = self._accounts.get(row.account)
        store = None if account is None else account.store
        if account is None or store is None:
            return
        found = await left_of(self._pool, row.customer, row.topup_id, self._clock(), buckets=self._buckets)
        share = consumed(found)
        try:
            await account.call(lambda: store.tell_consumed(question, share))
        except Unavailable:
            raise retry_later("overloaded", _AGAIN_SECONDS, why=f"{row.account} does not answer") from None
        except Refused as refused:
            _log.error("evidence_refused", account=row.account, topup=str(row.topup_id), reason=refused.reason)

    async def run(self, account: str) -> bool:
        """Tell a store of what was credited; whether there was as much as is told at once."""
        now = self._clock()
        claimed = [topup_id for (topup_id,) in await fetch_all(self._pool, _CLAIM, (now, account, now))]
        await abreast(self._finish(row) for row in await rows.find_all(self._pool, claimed))
        return len(claimed) == ABREAST

    async def _finish(self, row: TopupRow) -> None:
        account = self._accounts.get(row.account)
        store = None if account is None else account.store
        reference = row.reference
        if account is None or store is None or reference is None:
            return
        try:
            await account.call(lambda: store.finish(reference))
        except (Unavailable, Refused) as error:
            _log.warning("purchase_not_finished", account=row.account, topup=str(row.topup_id), reason=str(error))
            return
        await fetch_all(self._pool, _FINISHED, (row.bucket, row.customer, row.topup_id))
