"""A platform's own JWT as proof of who asks: OpenID Connect, for platforms that keep their users elsewhere."""

from base64 import urlsafe_b64decode
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from msgspec import UNSET, Meta, UnsetType

from lingdang.errors import Problem
from lingdang.identity.jwks import Jwks
from lingdang.ids import CustId
from lingdang.settings import Settings

MAX_TOKEN_LENGTH = 8192
LEEWAY_SECONDS = 60
"""How far the platform's clock may be off."""

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]
"""Asymmetric ones alone: a public key must never be taken for a shared secret."""

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
    sub: CustId
    exp: _Time
    nbf: _Time = 0
    iat: _Time = 0


_decode_header = msgspec.json.Decoder(_Header).decode
_decode_claims = msgspec.json.Decoder(_Claims).decode


class PlatformTokens:
    """Verifies the JWTs of one issuer for one audience."""

    def __init__(self, issuer: str, audience: str, jwks: Jwks) -> None:
        self._issuer = issuer
        self._audience = audience
        self._jwks = jwks

    @classmethod
    def configured(cls, settings: Settings) -> "PlatformTokens | None":
        """As the settings say; None when they name no platform."""
        issuer, audience, url = settings.oidc_issuer, settings.oidc_audience, settings.oidc_jwks_url
        if issuer and audience and url:
            return cls(issuer, audience, Jwks(url))
        return None

    async def close(self) -> None:
        """Close the connections to the platform."""
        await self._jwks.close()

    async def verify(self, token: str, now: datetime) -> str:
        """The custId that the token's `sub` names. Raises Problem `unauthenticated`, whatever is wrong."""
        try:
            if len(token) > MAX_TOKEN_LENGTH:
                raise ValueError
            header = _decode_header(urlsafe_b64decode(token.partition(".")[0] + "=="))
            key = await self._jwks.find(header.kid)
            if key is None or key.get("alg", header.alg) != header.alg:
                raise ValueError
            claims = _decode_claims(jws.deserialize_compact(token, key, [header.alg]).payload)
        except (JoseError, msgspec.MsgspecError, ValueError, TypeError, RecursionError):
            raise Problem("unauthenticated") from None
        if not self._accepts(claims, now.timestamp()):
            raise Problem("unauthenticated")
        return claims.sub

    def _accepts(self, claims: _Claims, now: float) -> bool:
        audiences = [claims.aud] if isinstance(claims.aud, str) else claims.aud
        return (
            claims.iss == self._issuer
            and self._audience in audiences
            and max(claims.nbf, claims.iat) - LEEWAY_SECONDS <= now < claims.exp + LEEWAY_SECONDS
        )
