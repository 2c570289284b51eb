"""What every provider's notification is checked for, whatever its library verifies; and when a provider was asked."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta

from lingdang.ids import ruled
from lingdang.topup.providers.provider import Forged

AHEAD = timedelta(minutes=5)
"""How far another clock may be ahead of ours. No library asks for it: Stripe's takes one of next year."""
RECENT = timedelta(minutes=5)
"""How old a notification may be that its provider signs anew for each attempt."""

CHINA = timezone(timedelta(hours=8))
"""In which Alipay's and WeChat's times are."""

Pem = Annotated[
    str,
    Meta(pattern=ruled(r"^\s*-----BEGIN [A-Z ]+-----", "PEM, which begins with -----BEGIN; bare base64 is none")),
]
"""Keys and certificates in an account's settings."""

_UUID_VERSION = 7
_Decoded = TypeVar("_Decoded")


def text_of(body: bytes) -> str:
    """The body as text. Raises Forged for what is not UTF-8: no provider sends it."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise Forged("not utf-8") from None


def check_time(at: datetime, now: datetime, oldest: timedelta = RECENT) -> None:
    """Raises Forged for a moment that is too old, or that has not come yet."""
    seconds = round((now - at).total_seconds())
    if now - at > oldest:
        raise Forged(f"timestamp: {seconds} s old")
    if at - now > AHEAD:
        raise Forged(f"timestamp: {-seconds} s ahead")


def read_seconds(text: str) -> int:
    """Unix seconds as a header has them. Raises Forged for anything but digits."""
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise Forged("timestamp: no number")
    return int(text)


def decode(body: bytes | str, kind: type[_Decoded]) -> _Decoded:
    """A JSON document as the values that are used of it. Raises Forged for one that has them not."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Forged(f"unreadable: {error}") from None


def asked_now() -> datetime:
    """When a provider is asked, for the answer: it has what was before, and need not have what comes afterwards.

    In whole seconds, as providers tell when something happened: none of this second is older than the answer.
    """
    return datetime.now(UTC).replace(microsecond=0)


def our_number(text: str | None) -> UUID | None:
    """The top-up that a provider's order number names; None for one that we cannot have made."""
    try:
        number = UUID(text or "")
    except ValueError:
        return None
    ours = text in (str(number), number.hex)
    return number if ours and is_our_number(number) else None


def is_our_number(topup_id: UUID) -> bool:
    """Whether a provider was given this number. A payment of no top-up, or the second of one, has a row with a number
    that only we know; the provider finds it by its own id."""
    return topup_id.version == _UUID_VERSION


def made_at(topup_id: UUID) -> datetime:
    """When a top-up was made: a UUIDv7 begins with its milliseconds."""
    return datetime.fromtimestamp((topup_id.int >> 80) / 1000, UTC)
