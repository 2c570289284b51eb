"""Moments as they come in: within bounds that every calculation on them stays inside.

A body gives them with their zone. Commands and queries also take days and times of the shop's zone: a day is no moment,
but begins at one and ends at one.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from msgspec import Meta

from lingdang.errors import invalid_field

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
BEYOND = datetime(3000, 1, 1, tzinfo=UTC)
BOUNDS = "Expected a moment within the years 2000 to 2999, in UTC"

Moment = Annotated[datetime, Meta(tz=True, description="RFC 3339 with its zone, within the years 2000 to 2999 in UTC.")]
"""A moment in a body. Its bounds are checked by `is_usable` or `checked`, because msgspec knows none of times."""


def is_usable(moment: datetime | None) -> bool:
    """Whether there is no moment, or one within the bounds. It may be in any zone; none is converted for it."""
    return moment is None or EARLIEST <= moment < BEYOND


def checked(field: str, moment: datetime | None) -> datetime | None:
    """The moment in UTC, in whole milliseconds. Raises Problem `invalid_request` for the field when out of bounds."""
    if not is_usable(moment):
        raise invalid_field(field, BOUNDS)
    return None if moment is None else _whole_milliseconds(moment.astimezone(UTC))


_DAY = re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?\Z", re.ASCII)
EXPECTED = "Expected a day (2026-11-23) or a moment (2026-11-23T08:00:00Z)"


def read(text: str, zone: ZoneInfo, *, end: bool) -> datetime:
    """The moment, in UTC, that a text means: a day (its end, else its beginning), or a time, of `zone` unless it says.

    Raises ValueError with a sentence: for another text, and for a time that the zone's clocks skip or show twice.
    """
    try:
        if _DAY.match(text):
            # Where clocks skip midnight, the day begins as they do; where they show it twice, the first time.
            return datetime.combine(date.fromisoformat(text) + timedelta(days=end), time(), zone).astimezone(UTC)
        if not _TIME.match(text):
            raise ValueError
        moment = datetime.fromisoformat(text)
        told = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        utc = told.astimezone(UTC)
    except OverflowError:
        raise ValueError(BOUNDS) from None
    except ValueError:
        raise ValueError(EXPECTED) from None
    if told.utcoffset() != told.replace(fold=1).utcoffset():
        raise ValueError(f"{text} is not one moment in {zone.key}; say it with its offset, e.g. {text}+01:00")
    return utc


def read_usable(text: str, zone: ZoneInfo, *, end: bool) -> datetime:
    """As `read`. Raises ValueError with a sentence for a moment out of bounds, too."""
    moment = read(text, zone, end=end)
    if not is_usable(moment):
        raise ValueError(BOUNDS)
    return moment


def _whole_milliseconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
