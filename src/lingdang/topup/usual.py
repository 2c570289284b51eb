"""The usual notification: all the money of a top-up, of which nothing was told before, nor of its payment.

It takes two questions to the database in the place of eleven. The top-up is locked from the first to the second.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
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
    """Whether it tells of the top-up's payment, of nothing else, and nothing was told of it before."""
    standing = told.standing
    if standing is None or not _is_payment_alone(standing, told):
        return False
    if row.account != place.account or row.reference not in (None, standing.reference):
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
    done = False
    async with connection_of(pool) as connection:
        try:
            *_, found, known = await flush(
                connection,
                _BEGIN,
                *limits(pool),
                *rows.locking(standing.topup_id),
                _is_known(place, standing.topup_id, standing.reference),
            )
            if found is not None and known is None:
                done = await _done(connection, rows.decoded(found), place, told, credit, clock)
            await flush(connection, _COMMIT)
        except BaseException:
            with suppress(psycopg.Error):
                await connection.rollback()
            raise
    return done


def _is_known(place: Place, topup_id: UUID, reference: str) -> Statement:
    """Asks whether the payment is another top-up's, or something was told of it before anybody knew whose it is."""
    payment = payment_id(place.account, reference)
    return _KNOWN, (place.account, reference, topup_id, payment, place.account, place.entry)


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
