"""Sessions: opened once, then verified from their token alone."""

import hmac
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any
from uuid import UUID

import msgspec

from lingdang.errors import Problem, invalid_field
from lingdang.identity.public_keys import PublicKeyJwk, load_point
from lingdang.identity.session import Session
from lingdang.identity.tokens import MAX_TOKEN_LENGTH, Claims, Point, SessionTokens
from lingdang.ids import Customer, bucket_of, uuid7
from lingdang.jose import to_base64url
from lingdang.keys import Keyring
from lingdang.owner import Owner
from lingdang.settings import SignType

_RETIRED = "the key of the session token is retired"

_YOUNGER = timedelta(seconds=1)

MOST_SESSIONS = 1000
"""Of one customer, for as long as a session is valid: opened with a password, or ended before their time."""
CACHE_SIZE = 50_000
"""Verified tokens that a process remembers, some 3 kB each."""


class IssuedSession(msgspec.Struct, frozen=True, kw_only=True):
    """A new session as its customer is told of it. `sign_key` is None for ES256."""

    customer: Customer
    session_id: UUID
    session_token: str
    sign_type: SignType
    sign_key: str | None
    issued_at: datetime
    expires_at: datetime


class _Known(msgspec.Struct, frozen=True, gc=False):
    """A verified session and the key that proved it."""

    session: Session
    kid: str
    key: bytes


class Sessions:
    """Issues session tokens and verifies them; a token that was verified before is looked up.

    Both are without I/O. That a session has ended is learnt from the database, in the flush of the query that
    is made on its behalf (docs/decisions/0007-ended-sessions.md).
    """

    def __init__(self, keyring: Keyring, buckets: int, sign_types: Sequence[SignType], valid_seconds: int) -> None:
        self._keyring = keyring
        self._tokens = SessionTokens(keyring)
        self._buckets = buckets
        self._sign_types = frozenset(sign_types)
        self._valid = timedelta(seconds=valid_seconds)
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def check(self, sign_type: SignType, public_key: Mapping[str, Any] | None) -> Point | None:
        """What a session of this type needs of its client: a public key for ES256, and none otherwise.

        Raises Problem `invalid_request` for a type that is switched off and a key that is missing, idle or wrong.
        """
        if sign_type not in self._sign_types:
            raise invalid_field("sign_type", f"This server accepts {', '.join(sorted(self._sign_types))}")
        if sign_type != "ES256":
            if public_key is not None:
                raise invalid_field("public_key", f"{sign_type} takes no public key")
            return None
        if public_key is None:
            raise invalid_field("public_key", "ES256 needs the client's public key")
        try:
            jwk = msgspec.convert(public_key, PublicKeyJwk)
        except msgspec.ValidationError:
            raise invalid_field("public_key", "Not a P-256 public key as a JWK") from None
        load_point(jwk.x, jwk.y)
        return Point(jwk.x, jwk.y)

    def issue(
        self,
        customer: Customer,
        sign_type: SignType,
        public_key: Mapping[str, Any] | None,
        now: datetime,
        after: datetime | None = None,
    ) -> IssuedSession:
        """Open a session for a customer who has proved to be one, by its id younger than `after`. Raises as `check`."""
        point = self.check(sign_type, public_key)
        issued_at = now.replace(microsecond=0)
        expires_at = issued_at + self._valid
        claims = Claims(
            sub=customer.cust_id,
            cus=customer.key,
            sid=uuid7(now if after is None else max(now, after + _YOUNGER)),
            sig=sign_type,
            iat=int(issued_at.timestamp()),
            exp=int(expires_at.timestamp()),
            point=point,
        )
        token, kid = self._tokens.issue(claims)
        return IssuedSession(
            customer=customer,
            session_id=claims.sid,
            session_token=token,
            sign_type=sign_type,
            sign_key=self._sign_key(kid, claims),
            issued_at=issued_at,
            expires_at=expires_at,
        )

    def authenticate(self, authorization: str | None, cust_id: str | None, now: datetime) -> Session:
        """The session of a request. Raises Problem `unauthenticated`, or `cust_mismatch` for another X-Cust-Id."""
        token = bearer(authorization)
        if token is None:
            raise Problem("unauthenticated", why="no session token was sent")
        if len(token) > MAX_TOKEN_LENGTH:
            raise Problem("unauthenticated", why="what was sent is longer than any session token")
        known = self._known.get(token)
        if known is None:
            known = self._verify(token)
        else:
            self._known.move_to_end(token)
        session = known.session
        # A key that was retired since then must not go on opening what is remembered.
        if session.expires_at <= now or self._keyring.known(known.kid, "session-token") != known.key:
            self._known.pop(token, None)
            raise Problem("unauthenticated", why="the session has expired" if session.expires_at <= now else _RETIRED)
        if cust_id != session.owner.cust_id:
            raise Problem("cust_mismatch", why=f"the session is of {session.owner.cust_id}")
        return session

    def _verify(self, token: str) -> _Known:
        opened = self._tokens.open(token)
        if opened is None:
            raise Problem("unauthenticated", why="the session token was altered, made elsewhere, or its key is retired")
        if opened.claims.sig not in self._sign_types:
            raise Problem("unauthenticated", why=f"the session's sign type {opened.claims.sig} is switched off")
        known = _Known(self._session(opened.kid, opened.claims), opened.kid, opened.key)
        self._known[token] = known
        if len(self._known) > CACHE_SIZE:
            self._known.popitem(last=False)
        return known

    def _session(self, kid: str, claims: Claims) -> Session:
        return Session(
            owner=Owner(bucket_of(claims.cus, self._buckets), claims.cus, claims.sub, claims.sid),
            sign_type=claims.sig,
            sign_key=self._sign_key(kid, claims),
            public_key=load_point(claims.point.x, claims.point.y) if claims.point else None,
            issued_at=datetime.fromtimestamp(claims.iat, UTC),
            expires_at=datetime.fromtimestamp(claims.exp, UTC),
        )

    def _sign_key(self, kid: str, claims: Claims) -> str | None:
        """The signKey: derived from what the token says and a key of the same version, and stored nowhere."""
        if claims.sig == "ES256":
            return None
        key = self._keyring.known(kid, "session-sign-key")
        if key is None:  # retired this very moment
            raise Problem("unauthenticated", why=_RETIRED)
        return to_base64url(hmac.digest(key, claims.sid.bytes + claims.sub.encode(), "sha256")).decode()


def bearer(authorization: str | None) -> str | None:
    """The token of an `Authorization: Bearer` header, or None when there is none."""
    scheme, _, token = (authorization or "").partition(" ")
    return token if token and scheme.lower() == "bearer" else None


def seconds_until(row: tuple[datetime, ...] | None, now: datetime) -> int:
    """Whole seconds until a moment that was read as a row of its own, at least 1."""
    return max(1, ceil((row[0] - now).total_seconds())) if row else 1
