"""Receipts: an entitlement as a signed statement that anybody can verify offline, and the list of those revoked."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from lingdang.db.pool import Pool, fetch_all
from lingdang.ids import uuid7
from lingdang.library.entitlements import Right
from lingdang.signer import Signer

_REVOKED = """
SELECT t.customer, e.l->>0, (t.detail->>'orderId')::uuid
  FROM transfer t, json_array_elements(t.detail->'lines') AS e (l)
 WHERE t.kind = 'refund' AND t.at > %b
UNION ALL
SELECT t.customer, t.detail->>'productId', g.cause
  FROM transfer t
 CROSS JOIN LATERAL (
       SELECT g.cause FROM transfer g
        WHERE g.bucket = t.bucket AND g.customer = t.customer AND g.seq < t.seq AND g.kind = 'grant'
          AND g.detail->>'productId' = t.detail->>'productId'
        ORDER BY g.seq DESC LIMIT 1
       ) g
 WHERE t.kind = 'revocation' AND t.at > %b
"""


class Receipts:
    """Makes receipts and the list of those revoked, and publishes the keys that verify them."""

    def __init__(self, signer: Signer, issuer: str, valid_seconds: int) -> None:
        self._signer = signer
        self._issuer = issuer
        self._valid = timedelta(seconds=valid_seconds)

    def make(self, customer: int, cust_id: str, right: Right, now: datetime) -> str:
        """A JWS compact (RFC 7515), `alg: EdDSA`, `typ: entitlement+jwt`; valid from now on."""
        told = right.told
        source = {"grantId": told.grant_id} if told.grant_id is not None else {"orderId": str(told.order_id)}
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "sub": cust_id,
            "jti": str(uuid7()),
            "rid": self._rid(customer, told.product_id, right.cause),
            "iat": int(now.timestamp()),
            "exp": int((now + self._valid).timestamp()),
            "productId": told.product_id,
            **source,
        }
        return self._signer.sign("entitlement+jwt", claims)

    async def revoked(self, pool: Pool, now: datetime) -> str:
        """The `rid`s of the rights that ended within a receipt's life, as a JWS compact, `typ: revoked+jwt`."""
        since = now - self._valid
        rows = await fetch_all(pool, _REVOKED, (since, since))
        return self._signer.sign("revoked+jwt", self._list(rows, now))

    def _list(self, rows: Iterable[tuple[int, str, UUID]], now: datetime) -> dict[str, Any]:
        rids = sorted({self._rid(*row) for row in rows})
        return {"iss": self._issuer, "iat": int(now.timestamp()), "rids": rids}

    def _rid(self, customer: int, product_id: str, cause: UUID) -> str:
        """Which right a receipt is of: 128 bits of a hash, in hex. Whoever has no receipt learns nothing from it."""
        return sha256(f"{self._issuer}\n{customer}\n{product_id}\n{cause}".encode()).hexdigest()[:32]

    def jwks(self) -> dict[str, Any]:
        """The public keys of every version that is not retired, as a JWK set (RFC 7517)."""
        return self._signer.jwks()
