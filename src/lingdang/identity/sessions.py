"""Sessions: opened once, then verified from their token alone."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicNumbers
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from lingdang.db.pool import Owner
from lingdang.errors import Problem, invalid
from lingdang.identity.session import Session
from lingdang.ids import bucket_of, uuid7
from lingdang.keys import Keyring
from lingdang.settings import SignType

MAX_TOKEN_LENGTH = 2048
CACHE_SIZE = 50_000


class Claims(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What a session token says; `x` and `y` are the ES256 public key's."""

    session_id: UUID
    cust_id: str
    sign_type: SignType
    issued_at: int
    expires_at: int
    x: str = ""
    y: str = ""


class IssuedSession(msgspec.Struct, frozen=True, kw_only=True):
    """A new session as its customer is told of it."""

    cust_id: str
    session_id: UUID
    session_token: str
    sign_type: SignType
    sign_key: str | None
    issued_at: datetime
    expires_at: datetime


class Sessions:
    """Issues session tokens and verifies them; a token that was verified before is looked up."""

    def __init__(self, keyring: Keyring, buckets: int, sign_types: Sequence[SignType], valid_seconds: int) -> None:
        self._keyring = keyring
        self._buckets = buckets
        self._sign_types = frozenset(sign_types)
        self._valid = timedelta(seconds=valid_seconds)
        self._known: OrderedDict[str, tuple[Session, str, bytes]] = OrderedDict()

    def issue(
        self, cust_id: str, sign_type: SignType, public_key: dict[str, str] | None, now: datetime
    ) -> IssuedSession:
        """Open a session. Raises Problem `invalid_request` for a sign type that is switched off."""
        if sign_type not in self._sign_types:
            raise invalid("$.signType", f"This server accepts {', '.join(sorted(self._sign_types))}")
        kid, key = self._keyring.sealing("session-token")
        issued_at = now.replace(microsecond=0)
        expires_at = issued_at + self._valid
        point = public_key or {}
        claims = Claims(
            uuid7(),
            cust_id,
            sign_type,
            int(issued_at.timestamp()),
            int(expires_at.timestamp()),
            point.get("x", ""),
            point.get("y", ""),
        )
        header = {"alg": "HS256", "kid": kid, "typ": "session"}
        token = jws.serialize_compact(header, msgspec.json.encode(claims), OctKey.import_key(key), algorithms=["HS256"])
        sign_key = None if sign_type == "ES256" else self._sign_key(kid, claims)
        return IssuedSession(
            cust_id=cust_id,
            session_id=claims.session_id,
            session_token=token,
            sign_type=sign_type,
            sign_key=sign_key,
            issued_at=issued_at,
            expires_at=expires_at,
        )

    def authenticate(self, authorization: str | None, cust_id: str | None, now: datetime) -> Session:
        """The session of a request. Raises Problem `unauthenticated`, or `cust_mismatch` for another X-Cust-Id."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token or len(token) > MAX_TOKEN_LENGTH:
            raise Problem("unauthenticated")
        session, kid, key = self._known.get(token) or self._verify(token)
        if session.expires_at <= now or self._keyring.opening(kid, "session-token") != key:
            raise Problem("unauthenticated")
        if cust_id != session.cust_id:
            raise Problem("cust_mismatch")
        return session

    def _verify(self, token: str) -> tuple[Session, str, bytes]:
        try:
            parts = token.encode("ascii").split(b".")
            if len(parts) != 3 or any(_text(urlsafe_b64decode(p + b"=" * (-len(p) % 4))) != p for p in parts):
                raise ValueError
            kid = str(msgspec.json.decode(urlsafe_b64decode(parts[0] + b"=="))["kid"])
            key = self._keyring.opening(kid, "session-token")
            if key is None:
                raise ValueError
            opened = jws.deserialize_compact(token, OctKey.import_key(key), algorithms=["HS256"])
            claims = msgspec.json.decode(opened.payload, type=Claims)
        except (ValueError, KeyError, TypeError, JoseError, msgspec.MsgspecError):
            raise Problem("unauthenticated") from None
        if claims.sign_type not in self._sign_types:
            raise Problem("unauthenticated")
        known = (self._session(kid, claims), kid, key)
        self._known[token] = known
        if len(self._known) > CACHE_SIZE:
            self._known.popitem(last=False)
        return known

    def _session(self, kid: str, claims: Claims) -> Session:
        es256 = claims.sign_type == "ES256"
        return Session(
            owner=Owner(bucket_of(claims.cust_id, self._buckets), claims.cust_id, claims.session_id),
            sign_type=claims.sign_type,
            sign_key=None if es256 else self._sign_key(kid, claims),
            public_key=EllipticCurvePublicNumbers(_number(claims.x), _number(claims.y), SECP256R1()).public_key()
            if es256
            else None,
            issued_at=datetime.fromtimestamp(claims.issued_at, UTC),
            expires_at=datetime.fromtimestamp(claims.expires_at, UTC),
        )

    def _sign_key(self, kid: str, claims: Claims) -> str:
        key = self._keyring.opening(kid, "session-sign-key")
        assert key is not None, "the token's key was there a moment ago"
        return _text(hmac.digest(key, claims.session_id.bytes + claims.cust_id.encode(), "sha256")).decode()


def _text(raw: bytes) -> bytes:
    return urlsafe_b64encode(raw).rstrip(b"=")


def _number(text: str) -> int:
    return int.from_bytes(urlsafe_b64decode(text + "=="), "big")
