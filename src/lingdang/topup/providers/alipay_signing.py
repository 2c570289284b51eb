"""Alipay's RSA2: what is signed is `name=value` of every parameter, sorted by name and joined with `&`."""

import base64
import binascii
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key


def read_private_key(pem: str) -> RSAPrivateKey:
    """The app's key. Raises ValueError for what is none."""
    key = load_pem_private_key(pem.encode(), None)
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("private_key: no RSA key")
    return key


def read_public_key(pem: str) -> RSAPublicKey:
    """Alipay's key. Raises ValueError for what is none."""
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, RSAPublicKey):
        raise ValueError("alipay_public_key: no RSA key")
    return key


def signed_text(parameters: Mapping[str, str]) -> str:
    """What a request's signature is over."""
    return "&".join(f"{name}={parameters[name]}" for name in sorted(parameters))


def sign(key: RSAPrivateKey, text: str) -> str:
    """The signature as it stands in `sign`."""
    return base64.b64encode(key.sign(text.encode(), PKCS1v15(), SHA256())).decode()


def is_signed(key: RSAPublicKey, text: str, signature: str) -> bool:
    """Whether the signature is the key's over this text."""
    try:
        key.verify(base64.b64decode(signature, validate=True), text.encode(), PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True
