"""Keys of the stand-in, made once a process."""

import base64
from functools import cache

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat


@cache
def rsa_key(owner: str) -> RSAPrivateKey:  # noqa: ARG001 - each owner has another
    """The owner's key of 2048 bits."""
    return generate_private_key(public_exponent=65537, key_size=2048)


def private_pem(key: RSAPrivateKey) -> str:
    """The key as PKCS #8."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(key: RSAPublicKey) -> str:
    """The key as SubjectPublicKeyInfo."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def rsa_sign(owner: str, message: str) -> str:
    """Base64 of the owner's signature, PKCS #1 v1.5 with SHA-256."""
    return base64.b64encode(rsa_key(owner).sign(message.encode(), PKCS1v15(), SHA256())).decode()


def rsa_verify(owner: str, message: str, signature: str) -> None:
    """Raises InvalidSignature."""
    rsa_key(owner).public_key().verify(base64.b64decode(signature), message.encode(), PKCS1v15(), SHA256())
