"""The order token: an offer as a JWE that only this deployment can make and open.

JWE compact (RFC 7516) with `alg: dir` and `enc: A256CBC-HS512` (RFC 7518, 5.2.5): encrypted, and signed by an
HMAC-SHA-512 over header, IV and ciphertext. The header is compared as a whole with the few that this server
writes, and never parsed: there is no algorithm to confuse, nothing to decompress. Every part must be in the one
canonical base64url form, so that no character of a token can be changed without being noticed.
"""

import hmac
import os
from hmac import compare_digest

import msgspec
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC

from lingdang.checkout.offer import Offer, decode_offer, encode_offer
from lingdang.errors import Problem
from lingdang.jose import Headers, from_base64url, to_base64url
from lingdang.keys import Keyring

MAX_TOKEN_LENGTH = 320 * 1024
"""More than the longest offer has: 100 lines whose titles and publishers are as long as they may be, of characters of
four bytes, make 282,000 characters (tests/checkout/test_checkouts_offer_length.py)."""

_BLOCK = 16
_KEY_LENGTH = 64
_TAG_LENGTH = 32


class OrderTokens:
    """Encrypts offers into order tokens and opens them, with the keyring's keys for that purpose.

    Not to be shared by threads.
    """

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._headers = Headers(keyring, alg="dir", enc="A256CBC-HS512", typ="order+jwe")
        self._ready: dict[bytes, _Key] = {}

    def issue(self, offer: Offer) -> str:
        """The offer's token."""
        kid, secret = self._keyring.current("order-token", _KEY_LENGTH)
        key = self._key(secret)
        header = self._headers.write(kid)
        iv, ciphertext = key.encrypt(encode_offer(offer))
        tag = key.tag(header, iv, ciphertext)
        return b".".join((header, b"", to_base64url(iv), to_base64url(ciphertext), to_base64url(tag))).decode("ascii")

    def open(self, token: str) -> Offer:
        """The token's offer. Raises Problem `token_invalid` for whatever this deployment did not issue."""
        try:
            header, empty, first, rest, tag = token.encode("ascii").split(b".")
            iv, ciphertext = from_base64url(first), from_base64url(rest)
            secret = self._secret(header)
            if secret is None or empty or len(iv) != _BLOCK:
                raise ValueError
            key = self._key(secret)
            # The tag is compared as it is written, in the one form that this server writes.
            if not compare_digest(tag, to_base64url(key.tag(header, iv, ciphertext))):
                raise ValueError
            return decode_offer(key.decrypt(iv, ciphertext))
        except (ValueError, msgspec.DecodeError):  # an earlier release may have written offers otherwise
            raise Problem("token_invalid") from None

    def _secret(self, header: bytes) -> bytes | None:
        kid = self._headers.kid(header)
        return None if kid is None else self._keyring.known(kid, "order-token", _KEY_LENGTH)

    def _key(self, secret: bytes) -> "_Key":
        key = self._ready.get(secret)
        if key is None:
            key = self._ready[secret] = _Key(secret)
        return key


class _Key:
    """One key's HMAC and ciphers, set up once: to make them anew for each token costs more than to use them.

    AES-256-CBC here goes on from the message before. To encrypt, a random block goes first: what it becomes is random
    too, and is the message's IV. To decrypt, the IV goes first, and what it becomes is thrown away.
    """

    def __init__(self, secret: bytes) -> None:
        self._mac = hmac.new(secret[:32], None, "sha512")
        cipher = Cipher(AES256(secret[32:]), CBC(bytes(_BLOCK)))
        self._encrypt = cipher.encryptor().update
        self._decrypt = cipher.decryptor().update

    def tag(self, header: bytes, iv: bytes, ciphertext: bytes) -> bytes:
        """The first half of the HMAC over header, IV, ciphertext and the header's length in bits."""
        mac = self._mac.copy()
        mac.update(header + iv + ciphertext + (8 * len(header)).to_bytes(8, "big"))
        return mac.digest()[:_TAG_LENGTH]

    def encrypt(self, plaintext: bytes) -> tuple[bytes, bytes]:
        """IV and ciphertext."""
        pad = _BLOCK - len(plaintext) % _BLOCK
        whole = self._encrypt(os.urandom(_BLOCK) + plaintext + bytes((pad,)) * pad)
        return whole[:_BLOCK], whole[_BLOCK:]

    def decrypt(self, iv: bytes, ciphertext: bytes) -> bytes:
        """The plaintext. Only called when the tag has verified: these are whole blocks, padded as `encrypt` does."""
        padded = self._decrypt(iv + ciphertext)
        return padded[_BLOCK : -padded[-1]]
