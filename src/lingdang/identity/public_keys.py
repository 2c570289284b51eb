"""The public key of an ES256 session: a point of P-256, as a JWK on the wire."""

from base64 import urlsafe_b64decode
from typing import Annotated, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey, EllipticCurvePublicNumbers
from msgspec import Meta

from lingdang.errors import invalid_field
from lingdang.ids import ruled

_RULE = "32 bytes in base64url, no padding"
_COORDINATE = ruled(r"^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]\Z", _RULE)
Coordinate = Annotated[str, Meta(pattern=_COORDINATE, description=f"{_RULE}.")]


class PublicKeyJwk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A P-256 public key (RFC 7517). Whatever else WebCrypto exports with one is accepted and not kept.

    A private key is refused like any unknown member, so that a client learns of its mistake.
    """

    kty: Literal["EC"]
    crv: Literal["P-256"]
    x: Coordinate
    y: Coordinate
    alg: Literal["ES256"] | None = None
    use: Literal["sig"] | None = None
    key_ops: Annotated[list[Literal["verify"]], Meta(max_length=1)] | None = None
    ext: bool | None = None
    kid: Annotated[str, Meta(max_length=64)] | None = None


def load_point(x: str, y: str) -> EllipticCurvePublicKey:
    """The key at these coordinates. Raises Problem `invalid_request` when they are not a point of the curve."""
    try:
        return EllipticCurvePublicNumbers(_number(x), _number(y), SECP256R1()).public_key()
    except ValueError:
        raise invalid_field("public_key", "Not a point of the curve P-256") from None


def _number(text: str) -> int:
    return int.from_bytes(urlsafe_b64decode(text + "="), "big")
