"""The client's side of the three signatures."""

import hashlib
import hmac
from base64 import urlsafe_b64encode

from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256


def sign(message: str, sign_type: str, sign_key: str | None, private_key: ec.EllipticCurvePrivateKey | None) -> str:
    """The signature of `message` as it stands in a payment."""
    if sign_type == "ES256":
        assert private_key is not None, "an ES256 session has a key pair"
        r, s = utils.decode_dss_signature(private_key.sign(message.encode(), ec.ECDSA(SHA256())))
        return _text(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    assert sign_key is not None, "a keyed session has a sign key"
    keyed = f"{message}&key={sign_key}".encode()
    if sign_type == "MD5":
        return hashlib.md5(keyed, usedforsecurity=False).hexdigest().upper()
    return hmac.digest(sign_key.encode(), keyed, "sha256").hex().upper()


def public_jwk(private_key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    """The public half as a JWK."""
    numbers = private_key.public_key().public_numbers()
    x, y = (_text(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
