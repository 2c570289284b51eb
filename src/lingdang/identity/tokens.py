"""The session token: a JWT (RFC 7519) under HS256 that says whose session it is and how it signs."""

from base64 import urlsafe_b64decode
from typing import Literal
from uuid import UUID

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from lingdang.ids import CustId
from lingdang.keys import Keyring
from lingdang.settings import SignType

MAX_TOKEN_LENGTH = 1024
"""Characters. The longest that is ever issued has about 560."""

_ALGORITHMS = ["HS256"]


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    kid: str
    alg: Literal["HS256"] = "HS256"
    typ: Literal["session+jwt"] = "session+jwt"


class Point(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An ES256 public key's coordinates, in base64url."""

    x: str
    y: str


class Claims(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a token says: customer, session, sign type, and Unix seconds; `point` for ES256 alone."""

    sub: CustId
    sid: UUID
    sig: SignType
    iat: int
    exp: int
    point: Point | None = None


class Opened(msgspec.Struct, frozen=True):
    """A token's claims, and the key that proved them."""

    claims: Claims
    kid: str
    key: bytes


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Claims).decode
_decode_header = msgspec.json.Decoder(_Header).decode


def seal_token(keyring: Keyring, claims: Claims) -> tuple[str, str]:
    """The token, and the id of the key that it is signed with."""
    kid, key = keyring.sealing("session-token")
    return _write(kid, key, claims), kid


def open_token(keyring: Keyring, token: str) -> Opened | None:
    """What a token says, or None: altered, made elsewhere, or under a retired key.

    A token passes only if it is, to the last character, what this server writes for its claims.
    """
    if len(token) > MAX_TOKEN_LENGTH or not token.isascii():
        return None
    try:
        kid = _decode_header(urlsafe_b64decode(token.partition(".")[0] + "==")).kid
        key = keyring.opening(kid, "session-token")
        if key is None:
            return None
        claims = _decode(jws.deserialize_compact(token, OctKey.import_key(key), _ALGORITHMS).payload)
    except (JoseError, msgspec.MsgspecError, ValueError, TypeError):
        return None
    return Opened(claims, kid, key) if token == _write(kid, key, claims) else None


def _write(kid: str, key: bytes, claims: Claims) -> str:
    header = msgspec.to_builtins(_Header(kid=kid))
    return jws.serialize_compact(header, _encode(claims), OctKey.import_key(key), _ALGORITHMS)
