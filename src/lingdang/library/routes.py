"""The customer's own pages after a payment, the access check and the public keys."""

from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from litestar import MediaType, Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter, QueryParameter

from lingdang.clock import Clock
from lingdang.db.pool import Pool
from lingdang.errors import Problem
from lingdang.http.paging import Cursor, Limit, Page, read_seq, to_cursor, window
from lingdang.http.strict import checked_id
from lingdang.identity.session import Session
from lingdang.identity.sessions import Sessions
from lingdang.ids import DEFAULT_CURRENCY, Customer, ProductId
from lingdang.journal.statements import Statements, Wanted, checked_currency, read_period
from lingdang.library.entitlements import (
    Entitlement,
    EntitlementWithReceipt,
    Rights,
    list_entitlements,
)
from lingdang.library.orders import OrderView, get_order, list_orders
from lingdang.library.receipts import Receipts
from lingdang.library.wallets import EntryView, WalletView, list_entries, view_wallet
from lingdang.owner import transaction_as

Asked = Request[Any, Any, Any]


class StatementView(msgspec.Struct, frozen=True, rename="camel"):
    """A statement of account as a JWS compact. `next_cursor` brings the next page, which joins up with this one."""

    statement: str
    next_cursor: str | None


def routes(
    sessions: Sessions,
    pool: Pool,
    reports: Pool,
    receipts: Receipts,
    rights: Rights,
    statements: Statements,
    clock: Clock,
    zone: ZoneInfo,
) -> list[HTTPRouteHandler]:
    """Orders, wallet, entitlements; the statement of account, which reads much, by the pool of reports."""

    def who(request: Asked) -> Session:
        headers = request.headers
        return sessions.authenticate(headers.get("authorization"), headers.get("x-cust-id"), clock())

    @get("/v1/orders")
    async def orders(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Page[OrderView]:
        return await list_orders(pool, who(request).owner, window(limit, cursor))

    @get("/v1/orders/{order_id:str}")
    async def order(
        request: Asked, order_id: Annotated[UUID, PathParameter(description="The order's UUID.")]
    ) -> OrderView:
        return await get_order(pool, who(request).owner, order_id)

    @get("/v1/wallet")
    async def wallet(request: Asked) -> WalletView:
        return await view_wallet(pool, who(request).owner, clock())

    @get("/v1/wallet/entries")
    async def entries(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Page[EntryView]:
        return await list_entries(pool, who(request).owner, window(limit, cursor))

    @get("/v1/wallet/statement", summary="A signed statement of account")
    async def statement(
        request: Asked,
        currency: Annotated[str, QueryParameter(description="Of which wallet.")] = DEFAULT_CURRENCY,
        since: Annotated[
            str | None, QueryParameter(name="from", description="A day, of LINGDANG_TIME_ZONE, or a moment.")
        ] = None,
        until: Annotated[
            str | None,
            QueryParameter(name="to", description="A day, to its end, or the moment before which; now unless told."),
        ] = None,
        cursor: Cursor = None,
    ) -> StatementView:
        owner, now = who(request).owner, clock()
        period = read_period(since, until, now, zone)
        after = window(None, cursor).after
        wanted = Wanted(
            owner.bucket, Customer(owner.customer, owner.cust_id), checked_currency(currency), *period, read_seq(after)
        )
        async with transaction_as(reports, owner) as connection:
            made = await statements.make(connection, wanted, now)
        return StatementView(made.statement, None if made.next_seq is None else to_cursor(str(made.next_seq)))

    @get("/v1/entitlements")
    async def entitlements(request: Asked, limit: Limit = None, cursor: Cursor = None) -> Page[Entitlement]:
        return await list_entitlements(pool, who(request).owner, window(limit, cursor))

    @get("/v1/entitlements/{product_id:str}")
    async def entitlement(request: Asked, product_id: ProductId) -> EntitlementWithReceipt:
        checked_id(product_id, "productId")
        owner, now = who(request).owner, clock()
        right = await rights.use(owner, product_id, now)
        if right is None:
            raise Problem("not_found")
        told = right.told
        return EntitlementWithReceipt(
            product_id=product_id,
            granted_at=told.granted_at,
            order_id=told.order_id,
            grant_id=told.grant_id,
            receipt=receipts.make(owner.customer, owner.cust_id, right, now),
        )

    return [orders, order, wallet, entries, statement, entitlements, entitlement]


def public_routes(
    sessions: Sessions, pool: Pool, receipts: Receipts, rights: Rights, clock: Clock
) -> list[HTTPRouteHandler]:
    """The access check for a reverse proxy's sub-request, the keys that verify receipts, and which are revoked."""

    @get(
        "/v1/access",
        status_code=204,
        summary="Whether the customer may read a product, for a reverse proxy",
        responses={
            204: ResponseSpec(None, description="Yes; X-Entitlement-Order or X-Entitlement-Grant names the source.")
        },
    )
    async def access(
        request: Asked, product_id: Annotated[ProductId, QueryParameter(name="productId")]
    ) -> Response[None]:
        checked_id(product_id, "productId")
        headers = request.headers
        owner = sessions.authenticate(headers.get("authorization"), headers.get("x-cust-id"), clock()).owner
        right = await rights.use(owner, product_id, clock())
        if right is None:
            raise Problem("not_entitled", productId=product_id)
        kind, source = right.source
        return Response(None, headers={f"X-Entitlement-{kind}": source})

    @get("/.well-known/jwks.json", media_type=MediaType.JSON)
    async def jwks() -> Response[dict[str, Any]]:
        return Response(receipts.jwks(), headers={"Cache-Control": "public, max-age=300"})

    @get("/v1/receipts/revoked", media_type=MediaType.TEXT, summary="Receipts whose right has ended, as a signed list")
    async def revoked(request: Asked) -> Response[bytes]:
        revoked = await receipts.revoked(pool, clock())
        headers = {"Cache-Control": "public, max-age=60", "ETag": revoked.etag}
        if revoked.etag in request.headers.get("if-none-match", ""):
            return Response(b"", status_code=304, headers=headers)
        return Response(revoked.text, headers=headers)

    return [access, jwks, revoked]
