"""The time, passed in everywhere it is needed and read once per request or batch."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Answers the present moment as an aware UTC datetime."""


def system_clock() -> datetime:
    """The machine's clock, in whole milliseconds, so that what is stored equals what was answered."""
    return datetime.fromtimestamp(time.time_ns() // 1_000_000 / 1000, UTC)


def rfc3339(moment: datetime) -> str:
    """`2026-11-23T08:00:00.123Z`: the form of every time in a body. One for which UTC has no year stays in its zone."""
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        return moment.isoformat(timespec="milliseconds")
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
