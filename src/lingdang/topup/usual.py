"""The usual notification: all the money of a top-up, of which nothing was told before, nor of its payment.

It takes two questions to the database in the place of eleven, and two more where the top-up does not know its payment.
The top-up is locked from the first to the second.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NamedTuple
from uuid import UUID

import psycopg

from lingdang.clock import Clock
from lingdang.db.flush import Statement, ask, flush, limits, numbered
from lingdang.db.pool import Connection, Pool, connection_of
from lingdang.topup import rows
from lingdang.topup.advancing import Step, advanced
from lingdang.topup.inbox import Place, Told
from lingdang.topup.providers.provider import Standing
from lingdang.topup.rows import TopupRow
from lingdang.topup.strays import payment_id

_BEGIN: Statement = (b"BEGIN", ())
_COMMIT: Statement = (b"COMMIT", ())
_FINISH = numbered(f"""
WITH changed AS ({rows.UPDATE} RETURNING 1), done AS (
    DELETE FROM topup_waiting WHERE account = %b AND entry = %b AND EXISTS (SELECT FROM changed)
)
SELECT count(*), set_config('synchronous_commit', 'off', true) FROM changed
""")  # noqa: S608 - the fields' names

_KNOWN = numbered("""
SELECT 1 WHERE EXISTS (SELECT FROM topup WHERE account = %b AND reference = %b AND topup_id <> %b)
            OR EXISTS (SELECT FROM topup_notification WHERE topup_id = %b AND (account, entry) <> (%b, %b))
""")

Credit = Callable[[TopupRow, TopupRow], Awaitable[TopupRow]]
"""Credits the bells of a top-up, given as it was and as it becomes; answers it as it is then."""


def is_usual(row: TopupRow, place: Place, told: Told) -> bool:
    """Whether it tells of a payment, of nothing else, and nothing was told of the top-up before."""
    standing = told.standing
    if standing is None or not _is_payment_alone(standing, told):
        return False
    if row.account != place.account:
        return False
    known = row.received or row.refunded or row.disputed or row.lost or row.returns
    return not (known or row.differs or row.decided or row.credited_at)


def _is_payment_alone(standing: Standing, told: Told) -> bool:
    """Whether it tells that somebody has paid, and nothing else: that is seen without a question to the database."""
    if told.evidence is not None or standing.state != "paid" or standing.test:
        return False
    return not (standing.refunded or standing.disputed or standing.lost or standing.returns)


def is_credit_alone(step: Step) -> bool:
    """Whether nothing follows but that its bells are credited: nothing is told of it, and nothing differs."""
    return step.after.is_credit_due and not step.after.differs and not step.notices


async def carry_out(pool: Pool, place: Place, told: Told, credit: Credit, clock: Clock) -> bool:
    """Carry an entry out; False where there is more to it, and nothing was written but bells that are due.

    Raises what the database does, and what `credit` raises.
    """
    standing = told.standing
    if standing is None or standing.topup_id is None or standing.reference is None:
        return False
    if not _is_payment_alone(standing, told):
        return False
    payment = _Payment(pool, place, standing.topup_id, standing.reference)
    async with connection_of(pool) as connection:
        try:
            row = await payment.locked(connection)
            if row is not None and is_usual(row, place, told) and row.reference != payment.reference:
                await flush(connection, rows.claiming(row.topup_id, payment.reference), _COMMIT)
                row = await payment.locked(connection)
            done = row is not None and await _done(connection, row, place, told, credit, clock)
            await flush(connection, _COMMIT)
        except BaseException:
            with suppress(psycopg.Error):
                await connection.rollback()
            raise
    return done


class _Payment(NamedTuple):
    """A payment, and the entry that tells of it."""

    pool: Pool
    place: Place
    topup_id: UUID
    reference: str

    async def locked(self, connection: Connection) -> TopupRow | None:
        """Begin a transaction and lock the top-up.

        None where there is none, where the payment is another one's, or where something was told of it before anybody
        knew whose it is.
        """
        payment = payment_id(self.place.account, self.reference)
        known = (self.place.account, self.reference, self.topup_id, payment, self.place.account, self.place.entry)
        *_, found, is_known = await flush(
            connection, _BEGIN, *limits(self.pool), *rows.locking(self.topup_id), (_KNOWN, known)
        )
        return None if found is None or is_known is not None else rows.decoded(found)


async def _done(connection: Connection, row: TopupRow, place: Place, told: Told, credit: Credit, clock: Clock) -> bool:
    if not is_usual(row, place, told):
        return False
    step = Step(row, advanced(row, told, clock(), tester=False))
    if not is_credit_alone(step):
        return False
    after = await credit(row, step.after)
    if after.differs:
        return False
    # It need not be on disk at once: the entry that is lost with it waits again.
    changed = await ask(connection, (_FINISH, (*rows.changes(after), place.account, place.entry)))
    assert changed == b"1", "it is locked"
    return True
