"""Accepted top-ups whose bells came and whose row does not know it: who wrote the decision ended between the two."""

import msgspec
import structlog

from lingdang.db.pool import Pool, fetch_all
from lingdang.errors import Problem
from lingdang.topup.following import Following
from lingdang.topup.rows import TopupRow

AT_ONCE = 50

# What an entry of the inbox tells is carried out with that entry.
_FOUND = f"""
SELECT t.topup_id FROM topup t
 WHERE t.status = 'review' AND t.received > 0 AND t.credited_at IS NULL AND t.decided IS NULL
   AND EXISTS (SELECT FROM transfer b
                WHERE b.bucket = t.bucket AND b.customer = t.customer
                  AND b.cause = ledger_cause(t.customer, 'topup', t.topup_id::text))
   AND NOT topup_waits(t.topup_id, t.account, t.reference)
 ORDER BY t.topup_id LIMIT {AT_ONCE}
"""  # noqa: S608 - a constant

_log = structlog.get_logger(__name__)


class Accepted:
    """Writes those decisions down."""

    def __init__(self, pool: Pool, following: Following) -> None:
        self._pool = pool
        self._following = following

    async def run(self) -> bool:
        """Once; whether there was as much as is done at once, and all of it was. Raises Problem `overloaded`."""
        found = await fetch_all(self._pool, _FOUND)
        done = 0
        for (topup_id,) in found:
            try:
                await self._following.decide(topup_id, _as_accepted)
                done += 1
            except Problem as problem:
                _log.warning("topup_postponed", topup=str(topup_id), code=problem.code)
        return done == AT_ONCE


def _as_accepted(row: TopupRow) -> TopupRow:
    """Only a decision credits what is in review. Whoever decides meanwhile is first."""
    if row.credited_at is None or row.decided is not None or row.status != "review":
        return row
    return msgspec.structs.replace(row, decided="accepted")
