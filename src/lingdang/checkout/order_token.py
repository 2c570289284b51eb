"""The order token: an offer as a JWE that only this deployment can make and open.

JWE compact (RFC 7516) with `alg: dir` and `enc: A256CBC-HS512` (RFC 7518, 5.2.5): encrypted, and signed by an
HMAC-SHA-512 over header, IV and ciphertext. The header is compared as a whole with the few that this server
writes, and never parsed: there is no algorithm to confuse, nothing to decompress. Every part must be in the one
canonical base64url form, so that no character of a token can be changed without being noticed.
"""

import os
from hmac import compare_digest, digest

import msgspec
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC

from lingdang.checkout.offer import Offer
from lingdang.errors import Problem
from lingdang.jose import Headers, from_base64url, to_base64url
from lingdang.keys import Keyring

MAX_TOKEN_LENGTH = 256 * 1024

_BLOCK = 16
_KEY_LENGTH = 64
_TAG_LENGTH = 32

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Offer).decode


class OrderTokens:
    """Seals offers and opens order tokens with the keyring's keys for that purpose."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._headers = Headers(keyring, alg="dir", enc="A256CBC-HS512", typ="order+jwe")

    def seal(self, offer: Offer) -> str:
        """The offer's token."""
        kid, key = self._keyring.sealing("order-token", _KEY_LENGTH)
        header = self._headers.write(kid)
        iv = os.urandom(_BLOCK)
        ciphertext = _encrypt(key[32:], iv, _encode(offer))
        tag = _tag(key[:32], header, iv, ciphertext)
        return b".".join((header, b"", to_base64url(iv), to_base64url(ciphertext), to_base64url(tag))).decode("ascii")

    def open(self, token: str) -> Offer:
        """The token's offer. Raises Problem `token_invalid` for whatever this deployment did not seal."""
        try:
            header, empty, *parts = token.encode("ascii").split(b".")
            iv, ciphertext, tag = map(from_base64url, parts)
        except ValueError:
            raise Problem("token_invalid") from None
        key = self._key(header)
        if key is None or empty or len(iv) != _BLOCK or not compare_digest(tag, _tag(key[:32], header, iv, ciphertext)):
            raise Problem("token_invalid")
        return _decode(_decrypt(key[32:], iv, ciphertext))

    def _key(self, header: bytes) -> bytes | None:
        kid = self._headers.kid(header)
        return None if kid is None else self._keyring.opening(kid, "order-token", _KEY_LENGTH)


def _tag(key: bytes, header: bytes, iv: bytes, ciphertext: bytes) -> bytes:
    message = header + iv + ciphertext + (8 * len(header)).to_bytes(8, "big")
    return digest(key, message, "sha512")[:_TAG_LENGTH]


def _encrypt(key: bytes, iv: bytes, plaintext: bytes) -> bytes:
    pad = _BLOCK - len(plaintext) % _BLOCK
    encryptor = Cipher(AES256(key), CBC(iv)).encryptor()
    return encryptor.update(plaintext + bytes((pad,)) * pad) + encryptor.finalize()


def _decrypt(key: bytes, iv: bytes, ciphertext: bytes) -> bytes:
    """Only called when the tag has verified, so that the padding is as `_encrypt` made it."""
    decryptor = Cipher(AES256(key), CBC(iv)).decryptor()
    padded = decryptor.update(ciphertext) + decryptor.finalize()
    return padded[: -padded[-1]]
