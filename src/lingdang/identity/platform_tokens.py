"""A platform's own JWT as proof of who asks: OpenID Connect, for shops whose users are kept elsewhere."""

import re
from base64 import urlsafe_b64decode
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, NamedTuple

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from msgspec import UNSET, Meta, UnsetType

from lingdang.errors import Problem, retry_later
from lingdang.identity.jwks import ALGORITHMS, Algorithm, Jwks, PublicKey
from lingdang.ids import CUST_ID_PATTERN, CUST_ID_RULE
from lingdang.settings import OidcIssuer, Settings

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


class _Alg(msgspec.Struct, frozen=True):
    alg: str


class _Issuer(msgspec.Struct, frozen=True):
    iss: str


class _Claims(msgspec.Struct, frozen=True):
    iss: str
    aud: str | list[str]
    exp: _Time
    nbf: _Time = 0
    iat: _Time = 0


_NO_JWT = {
    0: "it has no dot: an opaque access token, which only its issuer can read; send one that is a JWT",
    4: "it is encrypted (JWE); let the issuer sign it instead",
}

_decode_alg = msgspec.json.Decoder(_Alg).decode
_decode_issuer = msgspec.json.Decoder(_Issuer).decode
_decode_header = msgspec.json.Decoder(_Header).decode
_decode_claims = msgspec.json.Decoder(dict[str, Any]).decode
_is_cust_id = re.compile(CUST_ID_PATTERN).match


class Trusted(NamedTuple):
    """An issuer and its keys."""

    issuer: OidcIssuer
    jwks: Jwks


class PlatformTokens:
    """Verifies the JWTs of the issuers that are trusted.

    A custId is of the issuer with the longest prefix that it begins with, so that no issuer can name another's
    customer. Issuers with the same prefix have the same customers.
    """

    def __init__(self, issuers: Sequence[Trusted]) -> None:
        self._issuers = {each.issuer.issuer: each for each in issuers}
        self._prefixes = sorted({each.issuer.prefix for each in issuers}, key=len, reverse=True)

    @classmethod
    def configured(cls, settings: Settings) -> "PlatformTokens | None":
        """As the settings say; None when they name no issuer."""
        issuers = [Trusted(each, Jwks(each.issuer, each.jwks_url)) for each in settings.trusted_issuers]
        return cls(issuers) if issuers else None

    async def close(self) -> None:
        """Close the connections to the issuers."""
        for issuer in self._issuers.values():
            await issuer.jwks.close()

    async def verify(self, token: str, now: datetime) -> str:
        """The custId that the token names. Raises Problem `unauthenticated`, whatever is wrong: the log is told what.

        Raises Problem `identity_unavailable` while the issuer's keys cannot be fetched and none are known.
        """
        header = _header(token)
        trusted = self._trusted(token)
        payload = await _payload(token, header, trusted.jwks)
        claims, said = _claims(payload)
        _check(claims, trusted.issuer, now.timestamp())
        return self._cust_id(said, trusted.issuer)

    def _trusted(self, token: str) -> Trusted:
        """The issuer that a token says to be of, while nothing of it is verified."""
        try:
            said = _decode_issuer(_part(token, 1)).iss
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise _refused(f"its claims are not accepted: {_shown(error)}") from None
        if said not in self._issuers:
            raise _refused(f"iss is {_shown(said)}, and trusted is {' or '.join(self._issuers)}")
        return self._issuers[said]

    def _cust_id(self, said: dict[str, Any], issuer: OidcIssuer) -> str:
        """The custId of a token that is sound."""
        named, claim = said.get(issuer.cust_claim), issuer.cust_claim
        if named is None:
            raise _refused(f"it is sound, but has no claim {claim}")
        if not isinstance(named, str):
            raise _refused(f"it is sound, but its claim {claim} is no text")
        cust_id = issuer.prefix + named
        if not named or not _is_cust_id(cust_id):
            raise _refused(f"it is sound, but its claim {claim} makes no custId: {_shown(cust_id)}. {CUST_ID_RULE}")
        if next(prefix for prefix in self._prefixes if cust_id.startswith(prefix)) != issuer.prefix:
            raise _refused(f"it is sound, but {_shown(cust_id)} begins with another issuer's prefix")
        return cust_id


async def _payload(token: str, header: _Header, jwks: Jwks) -> bytes:
    """What a key of the issuer has signed."""
    tried = await jwks.candidates(header.kid, header.alg)
    payload = _verified(token, tried, header.alg)
    if payload is None:
        tried = await jwks.newer_candidates(header.kid, header.alg)
        payload = _verified(token, tried, header.alg)
    if payload is not None:
        return payload
    seconds = jwks.retry_after()
    if seconds is not None:
        raise retry_later("identity_unavailable", seconds, why="no key of the platform is known")
    if tried:
        raise _refused("the signature does not verify")
    raise _refused(f"no key of the platform fits kid {_shown(header.kid)} and alg {header.alg}")


def _check(claims: _Claims, issuer: OidcIssuer, now: float) -> None:
    """The audience and the times, and the issuer once more, now that it is signed."""
    if claims.iss != issuer.issuer:
        raise _refused(f"iss is {_shown(claims.iss)}, not {issuer.issuer}")
    if issuer.audience not in ([claims.aud] if isinstance(claims.aud, str) else claims.aud):
        raise _refused(f"aud is {_shown(claims.aud)}, and expected is {issuer.audience}")
    if now >= claims.exp + LEEWAY_SECONDS:
        raise _refused(f"it expired {now - claims.exp:.0f} seconds ago")
    for name, moment in (("nbf", claims.nbf), ("iat", claims.iat)):
        if moment - LEEWAY_SECONDS > now:
            raise _refused(f"{name} is {moment - now:.0f} seconds ahead")


def _header(token: str) -> _Header:
    if len(token) > MAX_TOKEN_LENGTH:
        raise _refused(f"it is longer than {MAX_TOKEN_LENGTH} characters")
    if token.count(".") != 2:
        raise _refused(_NO_JWT.get(token.count("."), "it is no JWT, which has three parts with a dot between them"))
    try:
        header = _part(token, 0)
        alg = _decode_alg(header).alg
        if alg not in ALGORITHMS:
            raise _refused(f"alg is {_shown(alg)}, and accepted is {', '.join(ALGORITHMS)}")
        return _decode_header(header)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise _refused(f"its header is not accepted: {_shown(error)}") from None


def _part(token: str, number: int) -> bytes:
    """One of a token's parts. Raises ValueError."""
    return urlsafe_b64decode(token.split(".")[number] + "==")


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
