"""The signed string and the three signatures.

MD5 is here because platforms already sign so (the rule of WeChat Pay v2); docs/signatures.md says what it is worth.
The type is the session's, never the request's choice.
"""

import hashlib
from collections.abc import Sequence
from hmac import compare_digest, digest

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from lingdang.jose import from_base64url
from lingdang.settings import SignType

SIGNED_FIELDS = ("custId", "nonce", "orderToken", "productIds", "signType", "timestamp")

_ES256_LENGTH = 64


def string_to_sign(
    cust_id: str, nonce: str, order_token: str, product_ids: Sequence[str], sign_type: str, timestamp: int
) -> str:
    """The six fields, sorted by name, as `name=value` joined with `&`; values as they stand in the request."""
    return (
        f"custId={cust_id}&nonce={nonce}&orderToken={order_token}&productIds={','.join(product_ids)}"
        f"&signType={sign_type}&timestamp={timestamp}"
    )


def verifies(
    sign: str, message: str, sign_type: SignType, sign_key: str | None, public_key: EllipticCurvePublicKey | None
) -> bool:
    """Whether `sign` is the signature of `message` under the session's key. Compares in constant time."""
    try:
        given = sign.encode("ascii")
    except UnicodeEncodeError:
        return False
    if sign_type == "ES256":
        return public_key is not None and _verifies_es256(given, message.encode(), public_key)
    if sign_key is None:
        return False
    keyed = f"{message}&key={sign_key}".encode()
    if sign_type == "MD5":
        expected = hashlib.md5(keyed, usedforsecurity=False).hexdigest()
    else:
        expected = digest(sign_key.encode(), keyed, "sha256").hex()
    return compare_digest(given.lower(), expected.encode())


def _verifies_es256(given: bytes, message: bytes, public_key: EllipticCurvePublicKey) -> bool:
    signature = _fixed_length(given)
    if signature is None:
        return False
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        public_key.verify(encode_dss_signature(r, s), message, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def _fixed_length(given: bytes) -> bytes | None:
    """The 64 bytes r‖s from their one base64url form without padding, or None."""
    if len(given) != 86:
        return None
    try:
        signature = from_base64url(given)
    except ValueError:
        return None
    return signature if len(signature) == _ES256_LENGTH else None
