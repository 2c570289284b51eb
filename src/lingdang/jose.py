"""What the order token and the session token share: one way to write base64url, and headers compared as a whole.

A header is never parsed. It is one of the few that this server writes or it is refused: there is no algorithm to
confuse, nothing to decompress, no key to be named by whoever sent it.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec

from lingdang.keys import Keyring


def to_base64url(raw: bytes) -> bytes:
    """Base64url without padding (RFC 7515)."""
    return urlsafe_b64encode(raw).rstrip(b"=")


def from_base64url(text: bytes) -> bytes:
    """The bytes of their one canonical form. Raises ValueError for any other way to write the same bytes."""
    raw = urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    if to_base64url(raw) != text:
        raise ValueError("not canonical base64url")
    return raw


class Headers:
    """The headers of one kind of token, which differ in the key's id alone."""

    def __init__(self, keyring: Keyring, **members: str) -> None:
        self._keyring = keyring
        self._members = members
        self._kids: dict[bytes, str] = {}

    def write(self, kid: str) -> bytes:
        """The header for a key, in base64url."""
        return to_base64url(msgspec.json.encode(self._members | {"kid": kid}, order="sorted"))

    def kid(self, header: bytes) -> str | None:
        """The key's id in a header; None when this server would not write it. Retired keys may still be named."""
        if header not in self._kids:
            self._kids = {self.write(version.kid): version.kid for version in self._keyring.versions()}
        return self._kids.get(header)
