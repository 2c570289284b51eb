"""Who sent a notification: Pub/Sub signs each push with a token of a service account of the merchant's.

The library's `verify_oauth2_token` fetches Google's keys for every token, forged ones too, and compares neither the
account nor, unless it is told one, the audience. So the keys are kept here, fetched when one is unknown, and no more
than once a minute.
"""

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import google.auth.exceptions
import google.auth.jwt

from lingdang.topup.providers.checks import check_time
from lingdang.topup.providers.provider import Forged

_ISSUERS = frozenset({"https://accounts.google.com", "accounts.google.com"})
_KEPT = timedelta(hours=6)
_PAUSE = timedelta(minutes=1)
_LONGEST = timedelta(minutes=65)
"""Google's tokens hold for an hour."""

Fetch = Callable[[], Mapping[str, str]]
"""Google's certificates by the ids of their keys. Raises Unavailable."""


class Pushes:
    """Reads the tokens of pushes to one endpoint. Threads share it."""

    def __init__(self, audience: str, email: str, fetch: Fetch) -> None:
        self._audience = audience
        self._email = email
        self._fetch = fetch
        self._keys: Mapping[str, str] = {}
        self._fetched: datetime | None = None
        self._lock = threading.Lock()

    def check(self, header: str, now: datetime) -> None:
        """Raises Forged for a header that the configured account did not send, and Unavailable."""
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.isascii():
            raise Forged("signature: none")
        claims = self._claims(token, now)
        if claims.get("iss") not in _ISSUERS:
            raise Forged("signature: issuer")
        if claims.get("email") != self._email or claims.get("email_verified") is not True:
            raise Forged("signature: account")
        check_time(datetime.fromtimestamp(int(claims["iat"]), UTC), now, _LONGEST)

    def _claims(self, token: str, now: datetime) -> Mapping[str, Any]:
        try:
            kid = google.auth.jwt.decode_header(token).get("kid")  # type: ignore[no-untyped-call]
            if not isinstance(kid, str):
                raise Forged("signature: key")
            certificate = self._certificate(kid, now)
            # Without an audience the library compares none.
            claims: Mapping[str, Any] = google.auth.jwt.decode(  # type: ignore[no-untyped-call]
                token, certs={kid: certificate}, audience=self._audience, clock_skew_in_seconds=300
            )
        except google.auth.exceptions.InvalidValue as error:
            late = str(error).startswith(("Token expired", "Token used too early"))
            raise Forged(f"timestamp: {error}" if late else "signature") from error
        except (google.auth.exceptions.GoogleAuthError, ValueError, KeyError, TypeError) as error:
            raise Forged("signature") from error
        return claims

    def _certificate(self, kid: str, now: datetime) -> str:
        with self._lock:
            old = self._fetched is None or now - self._fetched > _KEPT
            if old or (kid not in self._keys and self._fetched is not None and now - self._fetched > _PAUSE):
                self._keys, self._fetched = self._fetch(), now
            if kid not in self._keys:
                raise Forged("signature: key")
            return self._keys[kid]
