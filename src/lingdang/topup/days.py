"""The days of which an account's list is compared: which are ready, which are done, and when one is tried again."""

from datetime import date, datetime, time, timedelta

from lingdang.db.pool import Pool, fetch_all
from lingdang.topup.providers.provider import Listing

MOST_BACK = 30
"""So many days are made up for by a shop that was away."""
_HELD = timedelta(hours=1)
"""Whoever compares a day is given so long."""

_NEWEST = "SELECT max(day) FROM topup_day WHERE account = %b"
_ADD = """
INSERT INTO topup_day (account, day, ready_at, due_at) SELECT %b, d, %b, %b FROM unnest(%b::date[]) d
ON CONFLICT DO NOTHING
"""
_CLAIM = """
UPDATE topup_day SET tries = tries + 1, due_at = %b WHERE (account, day) IN (
    SELECT account, day FROM topup_day WHERE account = %b AND done_at IS NULL AND due_at <= %b
     ORDER BY due_at, day LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING day
"""
_LATER = """
UPDATE topup_day SET due_at = %b::timestamptz + least(tries, 6) * interval '10 minutes' WHERE account = %b AND day = %b
"""
_DONE = """
INSERT INTO topup_day (account, day, ready_at, due_at, done_at, listed, differing) VALUES (%b, %b, %b, %b, %b, %b, %b)
ON CONFLICT (account, day) DO UPDATE
   SET done_at = EXCLUDED.done_at, listed = EXCLUDED.listed, differing = EXCLUDED.differing
"""


def newest_day(listing: Listing, now: datetime) -> date:
    """The newest day whose list is there, in the provider's own zone."""
    return (now - listing.ready).astimezone(listing.zone).date() - timedelta(days=1)


def bounds(listing: Listing, day: date) -> tuple[datetime, datetime]:
    """When a day of the provider's begins and ends."""
    begins = datetime.combine(day, time(), listing.zone)
    return begins, begins + timedelta(days=1)


async def add_ready(pool: Pool, account: str, listing: Listing, now: datetime) -> None:
    """Write down the days that have become ready: of a new account the newest, else all since the last one."""
    newest = newest_day(listing, now)
    [(known,)] = await fetch_all(pool, _NEWEST, (account,))
    if known is None or known < newest:
        first = newest if known is None else max(known + timedelta(days=1), newest - timedelta(days=MOST_BACK))
        days = [first + timedelta(days=number) for number in range((newest - first).days + 1)]
        await fetch_all(pool, _ADD, (account, now, now, days))


async def claim(pool: Pool, account: str, now: datetime) -> date | None:
    """A day that is due, which nobody else is given for a while; None where there is none."""
    for (day,) in await fetch_all(pool, _CLAIM, (now + _HELD, account, now)):
        found: date = day
        return found
    return None


async def later(pool: Pool, account: str, day: date, now: datetime) -> None:
    """Have a day tried again, after ten minutes more each time, up to an hour."""
    await fetch_all(pool, _LATER, (now, account, day))


async def done(pool: Pool, account: str, day: date, now: datetime, listed: int, differing: int) -> None:
    """A day was compared: how many payments its list had, and how many were not as they are known."""
    await fetch_all(pool, _DONE, (account, day, now, now, now, listed, differing))
