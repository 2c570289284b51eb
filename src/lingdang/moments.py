"""Moments as they come in: each with its zone, and within bounds that every calculation on them stays inside."""

from datetime import UTC, datetime
from typing import Annotated

from msgspec import Meta

from lingdang.errors import invalid

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
BEYOND = datetime(3000, 1, 1, tzinfo=UTC)
BOUNDS = "Expected a moment within the years 2000 to 2999, in UTC"

Moment = Annotated[datetime, Meta(tz=True, description="RFC 3339 with its zone, within the years 2000 to 2999 in UTC.")]
"""A moment in a body. Its bounds are checked by `is_usable` or `checked`, because msgspec knows none of times."""


def is_usable(moment: datetime | None) -> bool:
    """Whether there is no moment, or one within the bounds. It may be in any zone; none is converted for it."""
    return moment is None or EARLIEST <= moment < BEYOND


def checked(path: str, moment: datetime | None) -> datetime | None:
    """The moment in UTC, in whole milliseconds. Raises Problem `invalid_request` at `path` when it is out of bounds."""
    if not is_usable(moment):
        raise invalid(path, BOUNDS)
    return None if moment is None else _whole_milliseconds(moment.astimezone(UTC))


def _whole_milliseconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
