"""Failed attempts within a window of time, counted by subject in the database: over all workers and machines."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import NamedTuple

from lingdang.db.pool import Pool, fetch_all

# One row for each subject with its newest moments. Sorted, so that two that count the same ones cannot deadlock.
_ADD = """
INSERT INTO login_attempt AS l (subject, attempts, expires_at)
SELECT s, ARRAY[%b::timestamptz], %b::timestamptz FROM unnest(%b::text[]) s ORDER BY s
ON CONFLICT (subject) DO UPDATE
   SET attempts = ARRAY(SELECT a FROM unnest(l.attempts || EXCLUDED.attempts) a WHERE a > %b ORDER BY a DESC LIMIT %b),
       expires_at = greatest(l.expires_at, EXCLUDED.expires_at)
"""
_FIND = "SELECT subject, attempts FROM login_attempt WHERE subject = ANY(%b::text[]) AND expires_at > %b"
_FORGET = "DELETE FROM login_attempt WHERE subject = %b"


class Limit(NamedTuple):
    """At most so many failures of a subject."""

    subject: str
    failures: int


class Failures:
    """The failures of the last `window_seconds`. What is under way is none, and what is right never becomes one."""

    def __init__(self, pool: Pool, window_seconds: int) -> None:
        self._pool = pool
        self._window = timedelta(seconds=window_seconds)

    async def waits(self, limits: Sequence[Limit], now: datetime) -> dict[str, int]:
        """The subjects that are known, each with the seconds until it may fail again; 0 when it may now."""
        rows = await fetch_all(self._pool, _FIND, ([limit.subject for limit in limits], now))
        found: dict[str, list[datetime]] = dict(rows)
        return {name: self._wait(found[name], failures, now) for name, failures in limits if name in found}

    async def add(self, limits: Sequence[Limit], now: datetime) -> None:
        """Count one failure of each subject. Raises Problem `overloaded`."""
        kept = max(limit.failures for limit in limits)
        subjects = [limit.subject for limit in limits]
        await fetch_all(self._pool, _ADD, (now, now + self._window, subjects, now - self._window, kept))

    async def forget(self, subject: str) -> None:
        """Forget a subject's failures. Raises Problem `overloaded`."""
        await fetch_all(self._pool, _FORGET, (subject,))

    def _wait(self, moments: Sequence[datetime], failures: int, now: datetime) -> int:
        """The newest `failures` of them fill the limit until the oldest of these leaves the window."""
        recent = sorted((moment for moment in moments if moment > now - self._window), reverse=True)
        if len(recent) < failures:
            return 0
        return max(1, ceil((recent[failures - 1] + self._window - now).total_seconds()))
