"""The signed string of a payment and the three ways to sign it."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

SignType = Literal["ES256", "HMAC-SHA256", "MD5"]
SignKey = str | EllipticCurvePrivateKey
"""The session's `signKey` for MD5 and HMAC-SHA256; the client's own private key on P-256 for ES256."""


def string_to_sign(
    cust_id: str, nonce: str, order_token: str, product_ids: Sequence[str], sign_type: SignType, timestamp: int
) -> str:
    """The six fields sorted by name, as `name=value` joined with `&`; values as they stand in the request."""
    fields = {
        "custId": cust_id,
        "nonce": nonce,
        "orderToken": order_token,
        "productIds": ",".join(product_ids),
        "signType": sign_type,
        "timestamp": timestamp,
    }
    return "&".join(f"{name}={fields[name]}" for name in sorted(fields))


def sign(text: str, sign_type: SignType, key: SignKey) -> str:
    """The signature of a signed string, as it goes into the request. Raises TypeError for the other kind of key."""
    if sign_type == "ES256":
        if not isinstance(key, EllipticCurvePrivateKey):
            raise TypeError("ES256 signs with a private key")
        return _es256(text, key)
    if not isinstance(key, str):
        raise TypeError(f"{sign_type} signs with the session's signKey")
    keyed = f"{text}&key={key}".encode()
    if sign_type == "MD5":
        return hashlib.md5(keyed, usedforsecurity=False).hexdigest().upper()
    return hmac.digest(key.encode(), keyed, "sha256").hex().upper()


def public_jwk(key: EllipticCurvePrivateKey) -> dict[str, str]:
    """The public half as the JWK that opens an ES256 session. Raises ValueError for another curve than P-256."""
    if not isinstance(key.curve, SECP256R1):
        raise ValueError("ES256 needs a key on the curve P-256")
    numbers = key.public_key().public_numbers()
    return {"kty": "EC", "crv": "P-256", "x": _base64url(_bytes32(numbers.x)), "y": _base64url(_bytes32(numbers.y))}


def _es256(text: str, key: EllipticCurvePrivateKey) -> str:
    r, s = decode_dss_signature(key.sign(text.encode(), ECDSA(SHA256())))
    return _base64url(_bytes32(r) + _bytes32(s))


def _bytes32(number: int) -> bytes:
    return number.to_bytes(32, "big")


def _base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
