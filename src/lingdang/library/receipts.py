"""Receipts: an entitlement as a signed statement that anybody can verify offline."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lingdang.ids import uuid7
from lingdang.jose import to_base64url
from lingdang.keys import Keyring


class Receipts:
    """Makes receipts and publishes the keys that verify them. An Ed25519 key is derived per keyring version."""

    def __init__(self, keyring: Keyring, issuer: str, valid_seconds: int) -> None:
        self._keyring = keyring
        self._issuer = issuer
        self._valid = timedelta(seconds=valid_seconds)

    def make(self, cust_id: str, product_id: str, order_id: str, now: datetime) -> str:
        """A JWS compact (RFC 7515), `alg: EdDSA`, `typ: entitlement+jwt`; valid from now on."""
        kid, seed = self._keyring.sealing("receipt")
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "sub": cust_id,
            "jti": str(uuid7()),
            "iat": int(now.timestamp()),
            "exp": int((now + self._valid).timestamp()),
            "productId": product_id,
            "orderId": order_id,
        }
        header = {"alg": "EdDSA", "typ": "entitlement+jwt", "kid": kid}
        message = f"{_json(header)}.{_json(claims)}"
        return f"{message}.{_text(Ed25519PrivateKey.from_private_bytes(seed).sign(message.encode()))}"

    def jwks(self) -> dict[str, Any]:
        """The public keys of every version that is not retired, as a JWK set (RFC 7517)."""
        keys = []
        for version in self._keyring.versions():
            seed = self._keyring.opening(version.kid, "receipt")
            if seed is not None:
                keys.append(
                    {
                        "kty": "OKP",
                        "crv": "Ed25519",
                        "x": _text(Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()),
                        "kid": version.kid,
                        "alg": "EdDSA",
                        "use": "sig",
                    }
                )
        return {"keys": keys}


def _json(value: dict[str, Any]) -> str:
    return _text(msgspec.json.encode(value))


def _text(raw: bytes) -> str:
    return to_base64url(raw).decode()
