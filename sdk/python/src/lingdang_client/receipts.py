"""Verifying offline what the shop signed (JWS compact, EdDSA): a receipt, and the list of those whose right ended."""

import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Container, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from lingdang_client.answers import Jwk, Jwks
from lingdang_client.errors import InvalidReceipt

T = TypeVar("T")

_LEEWAY_SECONDS = 60
"""How far a receipt's `iat` may lie ahead of the reader's clock."""

_MAX_LENGTH = 8192


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What a verified receipt states: this customer got this product by this order, or by this grant.

    `rid` says which right it is of: the shop lists those that have ended.
    """

    issuer: str
    cust_id: str
    product_id: str
    order_id: str | None
    grant_id: str | None
    rid: str | None
    receipt_id: str
    issued_at: datetime
    expires_at: datetime


class Revoked(msgspec.Struct, frozen=True, kw_only=True):
    """The `rid`s of the rights that ended within a receipt's life, as the shop signed them at `issued_at`."""

    issuer: str
    issued_at: datetime
    rids: frozenset[str]


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    """Exactly these; above all no `crit`, `jwk`, `jku` or `b64`."""

    alg: str
    typ: str
    kid: str


class _Claims(msgspec.Struct, rename="camel"):
    iss: str
    sub: str
    jti: str
    iat: int
    exp: int
    product_id: str
    order_id: str | None = None
    grant_id: str | None = None
    rid: str | None = None


class _RevokedClaims(msgspec.Struct):
    iss: str
    iat: int
    rids: frozenset[str]


def verify_receipt(
    receipt: str,
    jwks: Jwks | Mapping[str, Any],
    *,
    issuer: str,
    cust_id: str,
    product_id: str | None = None,
    revoked: Container[str] = (),
    now: float | None = None,
) -> Receipt:
    """What the receipt states, after every check. Nothing is fetched.

    `jwks` is the document of /.well-known/jwks.json; `revoked` are the `rids` of `verify_revoked`, with which a receipt
    is refused whose right has ended; `now` is in Unix seconds. Raises InvalidReceipt.
    """
    claims = _decode(_signed(receipt, jwks, "entitlement+jwt", _MAX_LENGTH), _Claims, "claims")
    _check(claims, issuer, cust_id, product_id, time.time() if now is None else now)
    if claims.rid in revoked:
        raise InvalidReceipt("its right has ended")
    return _receipt(claims)


def verify_revoked(text: str, jwks: Jwks | Mapping[str, Any], *, issuer: str) -> Revoked:
    """The list of /v1/receipts/revoked, after every check but its age. Nothing is fetched. Raises InvalidReceipt.

    An old list is a true one: compare `issued_at` with how late a refund may be known.
    """
    claims = _decode(_signed(text, jwks, "revoked+jwt", None), _RevokedClaims, "claims")
    if claims.iss != issuer:
        raise InvalidReceipt("it is of another issuer")
    return Revoked(issuer=claims.iss, issued_at=_moment(claims.iat), rids=claims.rids)


def _signed(text: str, jwks: Jwks | Mapping[str, Any], kind: str, longest: int | None) -> str:
    """The claims' part of what one of the keys signed as this kind."""
    header_part, claims_part, signature_part = _split(text, longest)
    header = _decode(header_part, _Header, "header")
    if header.alg != "EdDSA":
        raise InvalidReceipt("its alg is not EdDSA")
    if header.typ != kind:
        raise InvalidReceipt(f"its typ is not {kind}")
    try:
        _key(jwks, header.kid).verify(_bytes(signature_part), f"{header_part}.{claims_part}".encode())
    except InvalidSignature:
        raise InvalidReceipt("its signature does not verify") from None
    return claims_part


def _split(text: str, longest: int | None) -> list[str]:
    parts = text.split(".")
    if (longest is not None and len(text) > longest) or len(parts) != 3 or not text.isascii():
        raise InvalidReceipt("it is not a JWS in compact form")
    return parts


def _bytes(text: str) -> bytes:
    """What a base64url text without padding says. Only the one right way to write it is read."""
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise InvalidReceipt("it is not base64url") from None
    if urlsafe_b64encode(raw).rstrip(b"=").decode() != text:
        raise InvalidReceipt("it is not base64url")
    return raw


def _decode(part: str, kind: type[T], name: str) -> T:
    try:
        return msgspec.json.decode(_bytes(part), type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidReceipt(f"its {name}: {error}") from None


def _key(jwks: Jwks | Mapping[str, Any], kid: str) -> Ed25519PublicKey:
    """The one Ed25519 signing key of this name."""
    try:
        keys = msgspec.convert(jwks, Jwks).keys
    except msgspec.ValidationError as error:
        raise InvalidReceipt(f"the key set: {error}") from None
    named = [key for key in keys if key.kid == kid]
    if len(named) != 1 or not _signs(named[0]):
        raise InvalidReceipt(f"the key set has not one Ed25519 key named {kid!r}")
    try:
        return Ed25519PublicKey.from_public_bytes(_bytes(named[0].x or ""))
    except ValueError:
        raise InvalidReceipt(f"the key {kid!r} is malformed") from None


def _signs(key: Jwk) -> bool:
    return key.kty == "OKP" and key.crv == "Ed25519" and key.alg in (None, "EdDSA") and key.use in (None, "sig")


def _check(claims: _Claims, issuer: str, cust_id: str, product_id: str | None, now: float) -> None:
    if claims.iss != issuer:
        raise InvalidReceipt("it is of another issuer")
    if claims.sub != cust_id:
        raise InvalidReceipt("it is another customer's")
    if product_id is not None and claims.product_id != product_id:
        raise InvalidReceipt("it is for another product")
    if claims.iat > now + _LEEWAY_SECONDS:
        raise InvalidReceipt("it is from the future")
    if claims.exp <= now:
        raise InvalidReceipt("it has expired")


def _receipt(claims: _Claims) -> Receipt:
    return Receipt(
        issuer=claims.iss,
        cust_id=claims.sub,
        product_id=claims.product_id,
        order_id=claims.order_id,
        grant_id=claims.grant_id,
        rid=claims.rid,
        receipt_id=claims.jti,
        issued_at=_moment(claims.iat),
        expires_at=_moment(claims.exp),
    )


def _moment(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        raise InvalidReceipt("its times cannot be") from None
