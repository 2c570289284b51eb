"""An answer as it is sent."""

from collections.abc import Mapping
from typing import Any

import msgspec

Header = tuple[bytes, bytes]
Headers = Mapping[bytes, bytes]

encode = msgspec.json.Encoder().encode


class HeaderBlock(msgspec.Struct, frozen=True):
    """Headers that many answers share, and the lines as which they are sent."""

    headers: tuple[Header, ...]
    lines: bytes


def header_block(*headers: Header) -> HeaderBlock:
    """These headers, written once for all answers that have them."""
    return HeaderBlock(headers, b"".join([b"%b: %b\r\n" % header for header in headers]))


_NONE = header_block()


class Reply(msgspec.Struct, frozen=True):
    """An answer, already encoded (JSON, unless a header says otherwise), with further headers (lower-case names).

    `shared` are headers that it has besides.
    """

    body: bytes
    status: int = 200
    headers: tuple[Header, ...] = ()
    shared: HeaderBlock = _NONE


def replied(value: Any, status: int = 200, headers: tuple[Header, ...] = ()) -> Reply:
    """The answer of a handler that says more than its value."""
    return Reply(encode(value), status, headers)
