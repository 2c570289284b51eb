"""Good things made from a seed alone, so that an alteration can be made again: keyrings, tokens, signatures.

Tokens and signatures are written here from their specifications, not with the server's code: that it takes them
says that both keep to the same ones.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from math import gcd, prod
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA256

from lingdang.keys import Keyring
from proof.attacks.dotted import encoded

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
"""The moment at which everything is verified."""

_BEFORE = datetime(2025, 1, 1, tzinfo=UTC)

Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def keyring(path: Path, rng: Random, retired: int = 0) -> Keyring:
    """A keyring of three versions, the first `retired` of them retired."""
    keys = [
        {
            "version": number,
            "secret": msgspec.to_builtins(rng.randbytes(32)),
            "createdAt": _BEFORE,
            "activeAt": _BEFORE,
            "retiredAt": NOW if number <= retired else None,
        }
        for number in (1, 2, 3)
    ]
    path.write_bytes(msgspec.json.encode({"deployment": uuid(rng), "keys": keys}))
    return Keyring(path)


def uuid(rng: Random) -> UUID:
    """A random UUID."""
    return UUID(int=rng.getrandbits(128), version=4)


def jwe(keys: Keyring, kid: str, plaintext: bytes, iv: bytes, header: Mapping[str, Any] | None = None) -> str:
    """A compact JWE, `dir` with A256CBC-HS512 (RFC 7518, 5.2.5), under a keyring's key for order tokens."""
    secret = keys.known(kid, "order-token", 64)
    assert secret is not None, "a key of the keyring"
    said = header or {"alg": "dir", "enc": "A256CBC-HS512", "kid": kid, "typ": "order+jwe"}
    written = encoded(json.dumps(said, separators=(",", ":")).encode())
    pad = 16 - len(plaintext) % 16
    cipher = Cipher(AES256(secret[32:]), CBC(iv)).encryptor()
    ciphertext = cipher.update(plaintext + bytes((pad,)) * pad) + cipher.finalize()
    authenticated = written.encode() + iv + ciphertext + (8 * len(written)).to_bytes(8, "big")
    tag = hmac.digest(secret[:32], authenticated, "sha512")[:32]
    return ".".join((written, "", encoded(iv), encoded(ciphertext), encoded(tag)))


def session_jws(keys: Keyring, kid: str, claims: Mapping[str, Any] | bytes) -> str:
    """A compact JWS under HS256 and a keyring's key for session tokens."""
    secret = keys.known(kid, "session-token")
    assert secret is not None, "a key of the keyring"
    message = signing_input({"alg": "HS256", "kid": kid, "typ": "session+jwt"}, claims)
    return f"{message}.{encoded(hmac.digest(secret, message.encode(), 'sha256'))}"


def signing_input(*parts: Mapping[str, Any] | bytes) -> str:
    """Header and claims of a JWT, as JSON or as they stand."""
    written = (p if isinstance(p, bytes) else json.dumps(p, separators=(",", ":")).encode() for p in parts)
    return ".".join(map(encoded, written))


def jws_signature(key: Private, message: bytes) -> bytes:
    """RS256, ES256 or EdDSA, as the key is; the same each time."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), SHA256())
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    r, s = utils.decode_dss_signature(key.sign(message, ec.ECDSA(SHA256(), deterministic_signing=True)))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def keyed_digest(sign_type: str, key: str, message: str) -> str:
    """A payment's signature under MD5 or HMAC-SHA256."""
    keyed = f"{message}&key={key}".encode()
    if sign_type == "MD5":
        return hashlib.md5(keyed, usedforsecurity=False).hexdigest().upper()
    return hmac.digest(key.encode(), keyed, "sha256").hex().upper()


def p256_key(rng: Random) -> ec.EllipticCurvePrivateKey:
    """A key pair on P-256."""
    return ec.derive_private_key(rng.getrandbits(255) + 1, ec.SECP256R1())


@cache
def rsa_key(seed: str) -> rsa.RSAPrivateKey:
    """An RSA key of 2048 bits. Only for what is attacked here: who knows the seed knows the key."""
    rng = Random(seed)
    e, p, q = 65537, _prime(rng), _prime(rng)
    d = pow(e, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(e, p * q)
    return rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public).private_key()


_SMALL = prod(range(3, 2000, 2))


def _prime(rng: Random) -> int:
    """A prime of 1024 bits, its two highest set, not 1 modulo 65537 (Fermat's test is enough for random numbers)."""
    while True:
        candidate = rng.getrandbits(1024) | 3 << 1022 | 1
        if gcd(candidate, _SMALL) == 1 and pow(2, candidate - 1, candidate) == 1 and candidate % 65537 != 1:
            return candidate
