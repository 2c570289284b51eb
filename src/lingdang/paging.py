"""Lists by cursor: `?limit=1..200&cursor=`, answered as `{items, nextCursor}`."""

import base64
import binascii
from collections.abc import Sequence
from typing import Generic, TypeVar

import msgspec

from lingdang.errors import Problem, invalid_field, shown

T = TypeVar("T")

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
_MAX_CURSOR = 512
"""Longer than that of any key of a list. The longest is a past order's, of 306 bytes."""


class Page(msgspec.Struct, Generic[T], rename="camel", frozen=True):
    """One page of a list. `next_cursor` is null on the last one."""

    items: list[T]
    next_cursor: str | None


class Window(msgspec.Struct, frozen=True):
    """What a list request asks for: how many, and after which key (None: from the start)."""

    limit: int
    after: str | None


def window(limit: str | None, cursor: str | None) -> Window:
    """Read the two query parameters. Raises Problem `invalid_request`."""
    count = DEFAULT_LIMIT
    if limit is not None:
        if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:4]) <= MAX_LIMIT and len(limit) <= 3):
            raise invalid_field("limit", f"Expected a whole number from 1 to {MAX_LIMIT}, got {shown(limit)}")
        count = int(limit)
    return Window(count, None if cursor is None else from_cursor(cursor))


def page(rows: Sequence[T], keys: Sequence[str], limit: int) -> Page[T]:
    """A page from `limit + 1` rows asked for: the extra row only tells that there is a next page."""
    more = len(rows) > limit
    return Page(list(rows[:limit]), to_cursor(keys[limit - 1]) if more else None)


def read_seq(key: str | None) -> int | None:
    """The number of a journal's row that a cursor stands for. Raises Problem `invalid_request`."""
    if key is None:
        return None
    if not (key.isascii() and key.isdigit() and len(key) <= 10 and int(key) < 2**31):
        raise foreign_cursor()
    return int(key)


def foreign_cursor(field: str = "cursor") -> Problem:
    """The `invalid_request` of a cursor that was not given here."""
    return invalid_field(field, "Not a cursor that this server gave")


def to_cursor(key: str) -> str:
    """A key of a list as a client gets it, to send it back."""
    return base64.urlsafe_b64encode(key.encode()).rstrip(b"=").decode()


def from_cursor(cursor: str, field: str = "cursor", longest: int = _MAX_CURSOR) -> str:
    """The key that a client sent back. Raises Problem `invalid_request` for the field."""
    try:
        if not cursor or len(cursor) > longest:
            raise ValueError
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        if not text.isprintable():
            raise ValueError
    except (binascii.Error, ValueError):
        raise foreign_cursor(field) from None
    return text
