"""The usual notification: all the money of a top-up of which nothing was told before.

Its bells are credited without the top-up's lock, which can be done once only. Its row is written with the lock, and
only if nobody has changed it meanwhile: else all is done again.
"""

from lingdang.db.flush import first_of, numbered
from lingdang.db.pool import Pool
from lingdang.topup import rows
from lingdang.topup.advancing import Step
from lingdang.topup.inbox import Place, Told
from lingdang.topup.rows import TopupRow

_FINISH = numbered(f"""
WITH changed AS ({rows.UPDATE_LOCKED} RETURNING 1), done AS (
    DELETE FROM topup_waiting WHERE account = %b AND entry = %b AND EXISTS (SELECT FROM changed)
)
SELECT count(*), set_config('synchronous_commit', 'off', true) FROM changed
""")  # noqa: S608 - the fields' names


def is_usual(row: TopupRow, told: Told) -> bool:
    """Whether it tells of a payment, and of nothing else, to a top-up of which nothing is known but the agreement."""
    standing = told.standing
    if standing is None or told.evidence is not None or standing.state != "paid" or standing.test:
        return False
    moved = standing.refunded or standing.disputed or standing.lost or standing.returns
    known = row.received or row.refunded or row.disputed or row.lost or row.returns
    return not (moved or known or row.differs or row.decided or row.credited_at)


def is_credit_alone(step: Step) -> bool:
    """Whether nothing follows but that its bells are credited: nothing is told of it, and nothing differs."""
    return step.after.is_credit_due and not step.after.differs and not step.notices


async def finish(pool: Pool, row: TopupRow, place: Place) -> bool:
    """Write a top-up that was credited, and be done with the entry; False when somebody has changed it meanwhile.

    It need not be on disk at once: the entry that is lost with it waits again. Raises Problem `overloaded`.
    """
    values = (*rows.changes(row), str(row.topup_id), place.account, place.entry)
    return await first_of(pool, _FINISH, values) == b"1"
