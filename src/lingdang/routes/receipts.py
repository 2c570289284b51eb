"""What anybody needs to verify receipts, offline."""

from typing import Any

from lingdang.db.pool import Pool
from lingdang.http.reply import Reply, replied
from lingdang.http.route import ANYONE, AnyServed, Asked, Route
from lingdang.library.receipts import Receipts
from lingdang.routes.examples import bought

KEYS = Route(
    name="getReceiptKeys",
    method="GET",
    path="/.well-known/jwks.json",
    who=ANYONE,
    summary="The public keys that verify receipts and statements",
    description="A JWK set (RFC 7517) of Ed25519 keys. It may be kept for five minutes.",
    tag="library",
    answer=dict[str, Any],
    example=bought.KEYS,
)
REVOKED = Route(
    name="getRevokedReceipts",
    method="GET",
    path="/v1/receipts/revoked",
    who=ANYONE,
    summary="Receipts whose right has ended, as a signed list",
    description="A JWS compact with the `rid` of every receipt whose right ended while the receipt was good. Send the "
    "`ETag` as `If-None-Match` to be told that nothing changed.",
    tag="library",
    answer=str,
    example="eyJhbGciOiJFZERTQSIs….….…",
    statuses={200: "The list as a JWS compact", 304: "It is the one of the ETag that was sent"},
    media_type="text/plain",
    headers=("ETag",),
)


def routes(receipts: Receipts, pool: Pool) -> list[AnyServed]:
    """The receipts' public routes."""

    async def keys(_: Asked[None]) -> Reply:
        return replied(receipts.jwks(), headers=((b"cache-control", b"public, max-age=300"),))

    async def revoked(asked: Asked[None]) -> Reply:
        found = await receipts.revoked(pool, asked.now)
        headers = ((b"cache-control", b"public, max-age=60"), (b"etag", found.etag.encode()))
        if found.etag in (asked.header(b"if-none-match") or ""):
            return Reply(b"", 304, headers)
        return Reply(found.text, 200, headers)

    return [KEYS.by(keys), REVOKED.by(revoked)]
