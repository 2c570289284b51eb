"""Receipts: an entitlement as a signed statement that anybody can verify offline, and the list of those revoked."""

import asyncio
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from math import inf
from typing import Any, NamedTuple
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


_ENDED = "SELECT count(*), max(at) FROM transfer WHERE kind IN ('refund', 'revocation') AND at > %b"

_LONG_SECONDS = 0.05
_SHARE = 0.1
"""A list of revoked rights that takes long to make is made in so much of the time at most."""


class Revoked(NamedTuple):
    """The list as it is sent, and a strong ETag of it."""

    text: bytes
    etag: str


class Receipts:
    """Makes receipts and the list of those revoked, and publishes the keys that verify them."""

    def __init__(self, signer: Signer, issuer: str, valid_seconds: int) -> None:
        self._signer = signer
        self._issuer = issuer
        self._valid = timedelta(seconds=valid_seconds)
        self._revoked = Revoked(b"", "")
        self._ended: tuple[Any, ...] = ()
        self._again = -inf
        self._making = asyncio.Lock()

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

    async def revoked(self, pool: Pool, now: datetime) -> Revoked:
        """The `rid`s of the rights that ended within a receipt's life, as a JWS compact, `typ: revoked+jwt`.

        Anybody may ask, and there may be tens of thousands: one list is made at a time, beside the event loop, and the
        last one is given out until another right has ended.
        """
        since = now - self._valid
        async with self._making:
            [ended] = await fetch_all(pool, _ENDED, (since,))
            began = time.monotonic()
            if (ended != self._ended and began >= self._again) or not self._revoked.text:
                rows = await fetch_all(pool, _REVOKED, (since, since))
                self._revoked, self._ended = await asyncio.to_thread(self._list, rows, now), ended
                took = time.monotonic() - began
                self._again = began + (took / _SHARE if took > _LONG_SECONDS else 0)
            return self._revoked

    def _list(self, rows: Iterable[tuple[int, str, UUID]], now: datetime) -> Revoked:
        rids = sorted({self._rid(*row) for row in rows})
        claims = {"iss": self._issuer, "iat": int(now.timestamp()), "rids": rids}
        text = self._signer.sign("revoked+jwt", claims).encode()
        return Revoked(text, f'"{sha256(text).hexdigest()[:32]}"')

    def _rid(self, customer: int, product_id: str, cause: UUID) -> str:
        """Which right a receipt is of: 128 bits of a hash, in hex. Whoever has no receipt learns nothing from it."""
        return sha256(f"{self._issuer}\n{customer}\n{product_id}\n{cause}".encode()).hexdigest()[:32]

    def jwks(self) -> dict[str, Any]:
        """The public keys of every version that is not retired, as a JWK set (RFC 7517)."""
        return self._signer.jwks()
