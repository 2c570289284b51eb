"""Receipts: an entitlement as a signed statement that anybody can verify offline."""

from datetime import datetime, timedelta
from typing import Any

from lingdang.ids import uuid7
from lingdang.signer import Signer


class Receipts:
    """Makes receipts and publishes the keys that verify them."""

    def __init__(self, signer: Signer, issuer: str, valid_seconds: int) -> None:
        self._signer = signer
        self._issuer = issuer
        self._valid = timedelta(seconds=valid_seconds)

    def make(self, cust_id: str, product_id: str, order_id: str, now: datetime) -> str:
        """A JWS compact (RFC 7515), `alg: EdDSA`, `typ: entitlement+jwt`; valid from now on."""
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "sub": cust_id,
            "jti": str(uuid7()),
            "iat": int(now.timestamp()),
            "exp": int((now + self._valid).timestamp()),
            "productId": product_id,
            "orderId": order_id,
        }
        return self._signer.sign("entitlement+jwt", claims)

    def jwks(self) -> dict[str, Any]:
        """The public keys of every version that is not retired, as a JWK set (RFC 7517)."""
        return self._signer.jwks()
