"""An answer as it is sent."""

from collections.abc import Mapping
from typing import Any

import msgspec

Header = tuple[bytes, bytes]
Headers = Mapping[bytes, bytes]

encode = msgspec.json.Encoder().encode


class Reply(msgspec.Struct, frozen=True):
    """An answer, already encoded (JSON, unless a header says otherwise), with further headers (lower-case names)."""

    body: bytes
    status: int = 200
    headers: tuple[Header, ...] = ()


def replied(value: Any, status: int = 200, headers: tuple[Header, ...] = ()) -> Reply:
    """The answer of a handler that says more than its value."""
    return Reply(encode(value), status, headers)
