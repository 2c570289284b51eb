"""Finding whose payment an entry of the inbox tells of. Money of nobody has a row too, for operators to decide."""

from datetime import UTC, datetime

import msgspec
import structlog

from lingdang.clock import Clock
from lingdang.db.pool import Pool, connection_of, transaction
from lingdang.ids import bucket_of
from lingdang.topup import refunds, rows
from lingdang.topup.inbox import Inbox, Place, Told
from lingdang.topup.merging import is_another
from lingdang.topup.providers.provider import Standing
from lingdang.topup.rows import NOBODY, TopupRow
from lingdang.topup.strays import is_free, let_go, payment_id, stray_of

_EVER = datetime.fromtimestamp(0, UTC)

_log = structlog.get_logger(__name__)


class Finding:
    """Looks up the top-ups of payments."""

    def __init__(self, pool: Pool, kept: Inbox, clock: Clock, buckets: int) -> None:
        self._pool = pool
        self._inbox = kept
        self._clock = clock
        self._buckets = buckets

    async def whose(self, place: Place, standing: Standing) -> TopupRow | None:
        """The top-up that a payment is of; money that is of none has a row of its own, for operators to decide."""
        found = None if standing.topup_id is None else await rows.find(self._pool, standing.topup_id)
        if found is None and standing.reference is not None:
            found = await rows.find_reference(self._pool, place.account, standing.reference)
        if found is not None and found.account == place.account and not is_another(found, standing):
            return found if await self._has_its_reference(found, standing) else None
        if standing.state != "paid" or (standing.topup_id is None and standing.received is None):
            return None  # of a payment of somebody else's at the same account nothing more is told
        return await self._stray(place, standing, found)

    async def leave(self, place: Place, standing: Standing | None) -> None:
        """Nothing follows, unless the payment is known soon: a dispute may be told before it."""
        if standing is not None and standing.topup_id is None and standing.reference is not None:
            await self._inbox.unknown(place, self._clock())
        else:
            await self._inbox.over(place)

    async def as_asked(self, place: Place, told: Told, row: TopupRow) -> Told:
        """What an entry tells. A first payment is asked about, if something of it was told before anybody knew it.

        An answer has what was told before its question.
        """
        standing = told.standing
        if standing is None or standing.state != "paid" or row.paid_at is not None:
            return told
        reference = standing.reference or row.reference
        since = _EVER if told.seen is None else standing.at
        ask = reference is None or await self._inbox.has_told(place, reference, since)
        return msgspec.structs.replace(told, ask=True) if ask else told

    async def claim(self, row: TopupRow, standing: Standing | None) -> None:
        """Write down that a first payment is this top-up's. Raises UniqueViolation where another one has it by now."""
        if standing is None or standing.state != "paid" or row.paid_at is not None:
            return
        if standing.reference is None or standing.reference == row.reference:
            return
        async with transaction(self._pool) as connection:
            await rows.claim(connection, row.topup_id, standing.reference)

    async def _has_its_reference(self, found: TopupRow, standing: Standing) -> bool:
        """Whether no other top-up has this payment. One of nobody has it only until its provider says whose it is."""
        if standing.reference is None or standing.reference == found.reference:
            return True
        other = await rows.find_reference(self._pool, found.account, standing.reference)
        if other is not None and other.topup_id != found.topup_id:
            first = found.paid_at is None and standing.state == "paid" and standing.received is not None
            if first and await self._is_let_go(other):
                return True
            _log.error("payment_of_another", topup=str(found.topup_id), other=str(other.topup_id))
            return False
        return True

    async def _is_let_go(self, other: TopupRow) -> bool:
        """Whether the payment was nobody's, nothing was decided about it, and it can be a top-up's now."""
        if not is_free(other):
            return False
        async with transaction(self._pool) as connection:
            stray = await rows.locked(connection, other.topup_id)
            if not is_free(stray) or await refunds.refunds_of(connection, stray):
                return False
            if stray.reference is not None:
                await rows.update(connection, let_go(stray))
        _log.warning("payment_of_nobody_named", account=other.account, topup=str(other.topup_id))
        return True

    async def _stray(self, place: Place, standing: Standing, found: TopupRow | None) -> TopupRow | None:
        customer = NOBODY if found is None else found.customer
        named = str(standing.reference or standing.topup_id)
        topup_id = payment_id(place.account, named)
        made = stray_of(
            topup_id, customer, bucket_of(customer, self._buckets), place.account, standing, found, self._clock()
        )
        async with connection_of(self._pool) as connection, connection.transaction():
            if await rows.insert(connection, made):
                _log.warning("payment_of_no_topup", account=place.account, topup=str(topup_id))
        kept = await rows.find(self._pool, topup_id)
        if kept is None:
            _log.error("payment_of_another", account=place.account, topup=str(standing.topup_id))
        return kept
