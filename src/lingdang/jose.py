"""What tokens share: one way to write base64url, headers compared as a whole, and signed claims.

A header is never parsed. It is one of the few that this server writes or it is refused: there is no algorithm to
confuse, nothing to decompress, no key to be named by whoever sent it.
"""

from binascii import a2b_base64, b2a_base64
from hmac import compare_digest, digest
from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta

from lingdang.keys import Keyring, Purpose

C = TypeVar("C")
"""What a kind of token says."""

Seconds = Annotated[int, Meta(ge=0, le=253_402_300_799)]
"""Unix seconds up to the end of the year 9999, beyond which there is no datetime."""

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


class Opened(msgspec.Struct, Generic[C], frozen=True):
    """A token's claims, and the key that proved them."""

    claims: C
    kid: str
    key: bytes


class SignedTokens(Generic[C]):
    """Tokens of one kind, which this server alone writes and reads: JWTs (RFC 7519) under HS256.

    A signature is over the header's and the claims' characters, and itself in canonical base64url, so that no character
    of a token can be changed without being noticed.
    """

    def __init__(self, keyring: Keyring, purpose: Purpose, typ: str, claims: type[C], longest: int) -> None:
        """`longest`: characters beyond which nothing is a token."""
        self._keyring = keyring
        self._purpose = purpose
        self._headers = Headers(keyring, alg="HS256", typ=typ)
        self._decode = msgspec.json.Decoder(claims).decode
        self._longest = longest

    def issue(self, claims: C) -> tuple[str, str]:
        """The token, and the id of the key that it is signed with."""
        kid, key = self._keyring.current(self._purpose)
        signed = self._headers.write(kid) + b"." + to_base64url(_encode(claims))
        return (signed + b"." + to_base64url(_sign(key, signed))).decode("ascii"), kid

    def open(self, token: str) -> Opened[C] | None:
        """What a token says, or None: altered, made elsewhere, of another kind, or under a retired key."""
        if len(token) > self._longest:
            return None
        try:
            header, claims, signature = token.encode("ascii").split(b".")
            given = from_base64url(signature)
            kid = self._headers.kid(header)
            key = None if kid is None else self._keyring.known(kid, self._purpose)
            if kid is None or key is None or not compare_digest(given, _sign(key, header + b"." + claims)):
                return None
            return Opened(self._decode(from_base64url(claims)), kid, key)
        except (ValueError, msgspec.MsgspecError):
            return None


_encode = msgspec.json.Encoder().encode


def _sign(key: bytes, signed: bytes) -> bytes:
    return digest(key, signed, "sha256")
