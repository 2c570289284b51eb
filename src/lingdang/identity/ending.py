"""Ending a session before its time, everywhere."""

from datetime import datetime

import structlog

from lingdang.db.pool import Pool
from lingdang.errors import retry_later
from lingdang.identity.session import Session
from lingdang.identity.sessions import MOST_SESSIONS, seconds_until
from lingdang.owner import Owner, fetch_as, transaction_as

_log = structlog.get_logger(__name__)

# A session by password has been counted when it was opened. Any number can be opened with a platform's token.
_END = f"""
INSERT INTO session_end AS e (bucket, customer, session_id, expires_at)
SELECT %b, %b, %b, %b
 WHERE EXISTS (SELECT FROM password_session WHERE bucket = %b AND customer = %b AND session_id = %b)
    OR (SELECT count(*) FROM session_end WHERE bucket = %b AND customer = %b AND expires_at > %b) < {MOST_SESSIONS}
ON CONFLICT (bucket, customer, session_id) DO UPDATE SET expires_at = e.expires_at
RETURNING 1
"""  # noqa: S608 - a constant
_FIRST_TO_LAPSE = """
SELECT min(expires_at) FROM session_end WHERE bucket = %b AND customer = %b AND expires_at > %b
"""


async def require_living(pool: Pool, owner: Owner) -> None:
    """Raises Problem `unauthenticated` when the session has ended, `overloaded` when the database is away."""
    await fetch_as(pool, owner, "SELECT")


async def end_session(pool: Pool, session: Session, client: str, now: datetime) -> None:
    """Refuse the session from now on. `client` is where that came from, for the log.

    Raises Problem `unauthenticated` when it has ended, `rate_limited` when too many of the customer's have been ended
    lately, or `overloaded`.
    """
    owner = session.owner
    customer = owner.bucket, owner.customer
    row = *customer, owner.session_id, session.expires_at
    async with transaction_as(pool, owner) as connection:
        ended = await connection.execute(_END, (*row, *customer, owner.session_id, *customer, now))
        if await ended.fetchone() is None:
            first = await (await connection.execute(_FIRST_TO_LAPSE, (*customer, now))).fetchone()
            raise retry_later(
                "rate_limited", seconds_until(first, now), why=f"{MOST_SESSIONS} sessions were ended lately"
            )
    _log.info("session_ended", customer=owner.cust_id, session=str(owner.session_id), client=client)
