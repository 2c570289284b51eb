"""What identity has stored for a time only, removed when the time is over."""

from datetime import datetime, timedelta

from lingdang.db.pool import Pool, fetch_all

GRACE = timedelta(hours=1)
"""No machine's clock is so far behind that it still takes a session that ended and expired so long ago."""

BATCH = 1000
MAX_BATCHES = 50

TABLES = {
    "session_end": GRACE,
    "password_session": GRACE,
    "login_attempt": GRACE,
    # Longer than clocks may differ. Answers are large: what lies here beyond its time is what a quota does not count.
    "idempotency": timedelta(minutes=5),
}
"""By name, how long after its end a row is kept."""


async def sweep_identity(pool: Pool, now: datetime) -> bool:
    """Delete what expired longer ago than its grace, a thousand rows at a time. Returns whether there is more of it.

    Several workers may do so at once, and share the rows. Raises Problem `overloaded`.
    """
    deleted = [await delete_expired(pool, table, now - grace) for table, grace in TABLES.items()]
    return max(deleted) >= MAX_BATCHES * BATCH


async def delete_expired(pool: Pool, table: str, before: datetime) -> int:
    """Delete up to MAX_BATCHES × BATCH rows of one of TABLES that expired before a moment; how many."""
    statement = f"""
        DELETE FROM {table} WHERE ctid = ANY(ARRAY(
            SELECT ctid FROM {table} WHERE expires_at < %b ORDER BY expires_at LIMIT {BATCH} FOR UPDATE SKIP LOCKED
        )) RETURNING 1
    """  # noqa: S608 - the names are those above
    total = 0
    for _ in range(MAX_BATCHES):
        deleted = len(await fetch_all(pool, statement, (before,)))
        total += deleted
        if deleted < BATCH:
            break
    return total
