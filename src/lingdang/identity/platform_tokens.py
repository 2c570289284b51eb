"""A platform's own JWT as proof of who asks: OpenID Connect, for platforms that keep their users elsewhere."""

import re
from base64 import urlsafe_b64decode
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from msgspec import UNSET, Meta, UnsetType

from lingdang.errors import Problem, retry_later
from lingdang.identity.jwks import Algorithm, Jwks, PublicKey
from lingdang.ids import CUST_ID_PATTERN, CUST_ID_RULE
from lingdang.settings import Settings

MAX_TOKEN_LENGTH = 8192
LEEWAY_SECONDS = 60
"""How far the platform's clock may be off."""

_LONGEST_SHOWN = 128

_Type = Annotated[str, Meta(pattern=r"^(?i:(application/)?(at\+)?jwt)\Z")]
"""What a token may say it is: a JWT, or an access token (RFC 9068). A logout token, say, opens no session."""

_Time = Annotated[float, Meta(ge=0)]


class _Header(msgspec.Struct, frozen=True):
    alg: Algorithm
    kid: str | None = None
    typ: _Type | UnsetType = UNSET
    crit: UnsetType = UNSET
    """No extension is understood here, so a token that depends on one is refused."""


class _Claims(msgspec.Struct, frozen=True):
    iss: str
    aud: str | list[str]
    exp: _Time
    nbf: _Time = 0
    iat: _Time = 0


_decode_header = msgspec.json.Decoder(_Header).decode
_decode_claims = msgspec.json.Decoder(dict[str, Any]).decode
_is_cust_id = re.compile(CUST_ID_PATTERN).match


class PlatformTokens:
    """Verifies the JWTs of one issuer for one audience; `claim` names the customer."""

    def __init__(self, issuer: str, audience: str, jwks: Jwks, claim: str = "sub") -> None:
        self._issuer = issuer
        self._audience = audience
        self._jwks = jwks
        self._claim = claim

    @classmethod
    def configured(cls, settings: Settings) -> "PlatformTokens | None":
        """As the settings say; None when they name no platform."""
        issuer, audience, url = settings.oidc_issuer, settings.oidc_audience, settings.oidc_jwks_url
        if issuer and audience and url:
            return cls(issuer, audience, Jwks(url), settings.oidc_cust_claim)
        return None

    async def close(self) -> None:
        """Close the connections to the platform."""
        await self._jwks.close()

    async def verify(self, token: str, now: datetime) -> str:
        """The custId that the token names. Raises Problem `unauthenticated`, whatever is wrong: the log is told what.

        Raises Problem `identity_unavailable` while the platform's keys cannot be fetched and none are known.
        """
        header = _header(token)
        payload = await self._payload(token, header)
        claims, said = _claims(payload)
        self._check(claims, now.timestamp())
        return self._cust_id(said)

    async def _payload(self, token: str, header: _Header) -> bytes:
        """What a key of the platform has signed."""
        tried = await self._jwks.candidates(header.kid, header.alg)
        payload = _verified(token, tried, header.alg)
        if payload is None:
            tried = await self._jwks.newer_candidates(header.kid, header.alg)
            payload = _verified(token, tried, header.alg)
        if payload is not None:
            return payload
        seconds = self._jwks.retry_after()
        if seconds is not None:
            raise retry_later("identity_unavailable", seconds, why="no key of the platform is known")
        if tried:
            raise _refused("the signature does not verify")
        raise _refused(f"no key of the platform fits kid {_shown(header.kid)} and alg {header.alg}")

    def _check(self, claims: _Claims, now: float) -> None:
        """The issuer, the audience and the times."""
        if claims.iss != self._issuer:
            raise _refused(f"iss is {_shown(claims.iss)}, not LINGDANG_OIDC_ISSUER")
        if self._audience not in ([claims.aud] if isinstance(claims.aud, str) else claims.aud):
            raise _refused(f"aud is {_shown(claims.aud)}, without LINGDANG_OIDC_AUDIENCE")
        if now >= claims.exp + LEEWAY_SECONDS:
            raise _refused(f"it expired {now - claims.exp:.0f} seconds ago")
        for name, moment in (("nbf", claims.nbf), ("iat", claims.iat)):
            if moment - LEEWAY_SECONDS > now:
                raise _refused(f"{name} is {moment - now:.0f} seconds ahead")

    def _cust_id(self, said: dict[str, Any]) -> str:
        """The custId of a token that is sound."""
        named = said.get(self._claim)
        if named is None:
            raise _refused(f"it is sound, but has no claim {self._claim}")
        if not isinstance(named, str):
            raise _refused(f"it is sound, but its claim {self._claim} is no text")
        if not _is_cust_id(named):
            raise _refused(f"it is sound, but its claim {self._claim} is no custId: {_shown(named)}. {CUST_ID_RULE}")
        return named


def _header(token: str) -> _Header:
    if len(token) > MAX_TOKEN_LENGTH:
        raise _refused(f"it is longer than {MAX_TOKEN_LENGTH} characters")
    try:
        return _decode_header(urlsafe_b64decode(token.partition(".")[0] + "=="))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise _refused(f"its header is not accepted: {_shown(error)}") from None


def _claims(payload: bytes) -> tuple[_Claims, dict[str, Any]]:
    try:
        said = _decode_claims(payload)
        return msgspec.convert(said, _Claims), said
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise _refused(f"its claims are not accepted: {_shown(error)}") from None


def _verified(token: str, keys: Sequence[PublicKey], alg: Algorithm) -> bytes | None:
    """The payload, if one of the keys has signed it."""
    for key in keys:
        try:
            return jws.deserialize_compact(token, key, [alg]).payload
        except (JoseError, ValueError, TypeError, RecursionError):
            continue
    return None


def _refused(reason: str) -> Problem:
    return Problem("unauthenticated", why=f"the platform's token is refused: {reason}")


def _shown(value: object) -> str:
    return str(value)[:_LONGEST_SHOWN]
