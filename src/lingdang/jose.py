"""What the order token and the session token share: one way to write base64url, and headers compared as a whole.

A header is never parsed. It is one of the few that this server writes or it is refused: there is no algorithm to
confuse, nothing to decompress, no key to be named by whoever sent it.
"""

from binascii import a2b_base64, b2a_base64

import msgspec

from lingdang.keys import Keyring

_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_+/=", b"+/!!!")  # what only the plain alphabet has becomes what no alphabet has
_PADDING = (b"", b"=", b"==", b"=")
_LAST = (b"", b"", b"AQgw", b"AEIMQUYcgkosw048")
"""By a text's length modulo 4: with which characters it may end, so that the bits left over are zero."""


def to_base64url(raw: bytes) -> bytes:
    """Base64url without padding (RFC 7515)."""
    return b2a_base64(raw, newline=False).translate(_TO_URL, b"=")


def from_base64url(text: bytes) -> bytes:
    """The bytes of their one canonical form. Raises ValueError for any other way to write the same bytes."""
    over = len(text) % 4
    if over and text[-1:] not in _LAST[over]:
        raise ValueError("not canonical base64url")
    return a2b_base64(text.translate(_FROM_URL) + _PADDING[over], strict_mode=True)


class Headers:
    """The headers of one kind of token, which differ in the key's id alone."""

    def __init__(self, keyring: Keyring, **members: str) -> None:
        self._keyring = keyring
        self._members = members
        self._kids: dict[bytes, str] = {}
        self._written: dict[str, bytes] = {}

    def write(self, kid: str) -> bytes:
        """The header for a key, in base64url."""
        written = self._written.get(kid)
        if written is None:
            written = to_base64url(msgspec.json.encode(self._members | {"kid": kid}, order="sorted"))
            self._written[kid] = written
        return written

    def kid(self, header: bytes) -> str | None:
        """The key's id in a header; None when this server would not write it. Retired keys may still be named."""
        if header not in self._kids:
            self._kids = {self.write(version.kid): version.kid for version in self._keyring.versions()}
        return self._kids.get(header)
