"""When a delivery that failed is tried again: after pauses of 5 seconds to 24 hours, for three days. Pure, but for the
chance that is given."""

from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

PAUSES = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 30, 2 * 60, 10 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
)
TRIED_FOR = timedelta(days=3)
"""From the first failure on; what fails after that is parked."""
LONGEST = PAUSES[-1]
JITTER = 0.2
"""A pause is up to so much longer, so that what failed together is not tried again together."""

PROBES = tuple(timedelta(seconds=seconds) for seconds in (1, 2, 5, 10, 20, 30, 60))
"""Pauses between two looks at an endpoint where everything fails: it is back soon after its receiver is."""

Chance = Callable[[], float]
"""Answers numbers from 0 up to 1."""


def pause(failures: int, retry_after: timedelta | None, chance: Chance) -> timedelta:
    """How long to wait after so many failures in a row, 1 or more."""
    usual = PAUSES[min(failures, len(PAUSES)) - 1] * (1 + JITTER * chance())
    return min(max(usual, retry_after or timedelta()), LONGEST)


def probe_pause(failures: int, retry_after: timedelta | None, chance: Chance) -> timedelta:
    """How long to leave an endpoint alone where everything failed so many times in a row, 1 or more."""
    usual = PROBES[min(failures, len(PROBES)) - 1] * (1 + JITTER * chance())
    return min(max(usual, retry_after or timedelta()), LONGEST)


def is_over(first_failed: datetime, now: datetime) -> bool:
    """Whether it was tried for long enough."""
    return now - first_failed >= TRIED_FOR


def read_retry_after(header: str | None, now: datetime) -> timedelta | None:
    """What a `Retry-After` asks for, in seconds or as a date; None without one that can be read."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), int(LONGEST.total_seconds())))
    try:
        moment = parsedate_to_datetime(text)
        return max(moment - now, timedelta()) if moment.tzinfo else None
    except (ValueError, TypeError, OverflowError):
        return None
