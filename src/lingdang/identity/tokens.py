"""The session token: a JWT (RFC 7519) under HS256 that says whose session it is and how it signs.

Its signature is over the header's and the claims' characters, and itself in canonical base64url, so that no
character of a token can be changed without being noticed.
"""

from hmac import compare_digest, digest
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from lingdang.ids import CustId
from lingdang.jose import Headers, from_base64url, to_base64url
from lingdang.keys import Keyring
from lingdang.settings import SignType

MAX_TOKEN_LENGTH = 1024
"""Characters. The longest that is ever issued has about 560."""


_Seconds = Annotated[int, Meta(ge=0, le=253_402_300_799)]
"""Unix seconds up to the end of the year 9999, beyond which there is no datetime."""


class Point(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An ES256 public key's coordinates, in base64url."""

    x: str
    y: str


class Claims(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a token says: custId and key of the customer, session, sign type, Unix seconds; `point` for ES256 alone."""

    sub: CustId
    cus: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    sid: UUID
    sig: SignType
    iat: _Seconds
    exp: _Seconds
    point: Point | None = None


class Opened(msgspec.Struct, frozen=True):
    """A token's claims, and the key that proved them."""

    claims: Claims
    kid: str
    key: bytes


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Claims).decode


class SessionTokens:
    """Encrypts claims into session tokens and opens them with the keyring's keys for that purpose."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._headers = Headers(keyring, alg="HS256", typ="session+jwt")

    def issue(self, claims: Claims) -> tuple[str, str]:
        """The token, and the id of the key that it is signed with."""
        kid, key = self._keyring.current("session-token")
        signed = self._headers.write(kid) + b"." + to_base64url(_encode(claims))
        return (signed + b"." + to_base64url(_sign(key, signed))).decode("ascii"), kid

    def open(self, token: str) -> Opened | None:
        """What a token says, or None: altered, made elsewhere, or under a retired key."""
        if len(token) > MAX_TOKEN_LENGTH:
            return None
        try:
            header, claims, signature = token.encode("ascii").split(b".")
            given = from_base64url(signature)
            kid = self._headers.kid(header)
            key = None if kid is None else self._keyring.known(kid, "session-token")
            if kid is None or key is None or not compare_digest(given, _sign(key, header + b"." + claims)):
                return None
            return Opened(_decode(from_base64url(claims)), kid, key)
        except (ValueError, msgspec.MsgspecError):
            return None


def _sign(key: bytes, signed: bytes) -> bytes:
    return digest(key, signed, "sha256")
