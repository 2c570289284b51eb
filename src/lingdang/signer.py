"""Statements that anybody verifies offline: a JWS compact under an Ed25519 key that is published (RFC 7515, 8037).

Receipts, statements of account and the journal's checkpoints are told apart by their `typ`, which is always checked.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from lingdang.jose import from_base64url, to_base64url
from lingdang.keys import Keyring

PublicKeys = Mapping[str, Ed25519PublicKey]


class SignatureError(Exception):
    """A signed statement is not what it claims to be. The message is the reason, one sentence without a full stop."""


class Signer:
    """Signs with the newest active key and publishes all that are not retired: one for each keyring version."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def sign(self, typ: str, claims: dict[str, Any]) -> str:
        """A JWS compact, `alg: EdDSA`."""
        kid, seed = self._keyring.current("receipt")
        header = {"alg": "EdDSA", "typ": typ, "kid": kid}
        message = f"{_json(header)}.{_json(claims)}"
        return f"{message}.{_text(Ed25519PrivateKey.from_private_bytes(seed).sign(message.encode()))}"

    def kid(self) -> str:
        """The id of the key that signs now."""
        return self._keyring.current("receipt")[0]

    def public_keys(self) -> dict[str, Ed25519PublicKey]:
        """The keys of every version that is not retired, by their ids."""
        keys = {}
        for version in self._keyring.versions():
            seed = self._keyring.known(version.kid, "receipt")
            if seed is not None:
                keys[version.kid] = Ed25519PrivateKey.from_private_bytes(seed).public_key()
        return keys

    def jwks(self) -> dict[str, Any]:
        """The same as a JWK set (RFC 7517)."""
        return {
            "keys": [
                {
                    "kty": "OKP",
                    "crv": "Ed25519",
                    "x": _text(key.public_bytes_raw()),
                    "kid": kid,
                    "alg": "EdDSA",
                    "use": "sig",
                }
                for kid, key in self.public_keys().items()
            ]
        }


def read_jwks(document: bytes) -> dict[str, Ed25519PublicKey]:
    """The Ed25519 keys of a JWK set by their ids. Raises SignatureError when it is not one."""
    try:
        keys = msgspec.json.decode(document, type=_Jwks).keys
        return {
            key.kid: Ed25519PublicKey.from_public_bytes(from_base64url(key.x.encode()))
            for key in keys
            if key.kty == "OKP" and key.crv == "Ed25519"
        }
    except (msgspec.MsgspecError, ValueError) as error:
        raise SignatureError(f"the JWK set cannot be read: {error}") from None


def verify(jws: str, typ: str, keys: PublicKeys) -> bytes:
    """The payload of a statement of this type. Raises SignatureError, with the reason, for any other text."""
    parts = jws.encode().split(b".")
    if len(parts) != 3:
        raise SignatureError("it is not three parts joined by dots")
    try:
        header, payload, signature = map(from_base64url, parts)
        named = msgspec.json.decode(header, type=_Header)
    except (msgspec.MsgspecError, ValueError) as error:
        raise SignatureError(f"it cannot be read: {error}") from None
    if (named.alg, named.typ) != ("EdDSA", typ):
        raise SignatureError(f"it is a {named.typ} signed with {named.alg}, not a {typ} with EdDSA")
    if named.kid not in keys:
        raise SignatureError(f"there is no public key {named.kid}")
    try:
        keys[named.kid].verify(signature, parts[0] + b"." + parts[1])
    except InvalidSignature:
        raise SignatureError("the signature does not verify: something was changed") from None
    return payload


def kid_of(jws: str) -> str | None:
    """The key's id in a statement that is not verified; None when it cannot be read."""
    try:
        return msgspec.json.decode(from_base64url(jws.encode().split(b".")[0]), type=_Header).kid
    except (msgspec.MsgspecError, ValueError):
        return None


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    alg: str
    typ: str
    kid: str


class _Jwk(msgspec.Struct, frozen=True):
    kty: str
    kid: str = ""
    crv: str = ""
    x: str = ""


class _Jwks(msgspec.Struct, frozen=True):
    keys: list[_Jwk]


def _json(value: dict[str, Any]) -> str:
    return _text(msgspec.json.encode(value))


def _text(raw: bytes) -> str:
    return to_base64url(raw).decode()
