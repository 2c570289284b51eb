"""Browsing: GET /v1/products and GET /v1/products/{productId}, for a customer's session."""

from typing import Annotated, Any

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from lingdang.catalog.listing import list_products
from lingdang.catalog.products import Product, read_product
from lingdang.clock import Clock
from lingdang.db.pool import Pool
from lingdang.http.paging import Cursor, Limit, Page, window
from lingdang.http.strict import checked_id
from lingdang.identity.sessions import Sessions
from lingdang.ids import ProductId


def routes(pool: Pool, sessions: Sessions, clock: Clock) -> list[HTTPRouteHandler]:
    """The customers' routes of the catalogue."""

    @get("/v1/products", summary="Browse or search the products on sale", tags=["catalogue"])
    async def browse(
        request: Request[Any, Any, Any],
        words: Annotated[str, QueryParameter(name="query", description="Words of a title, publisher or author.")] = "",
        limit: Limit = None,
        cursor: Cursor = None,
    ) -> Page[Product]:
        asked = window(limit, cursor)
        now = clock()
        session = sessions.authenticate(request.headers.get("authorization"), request.headers.get("x-cust-id"), now)
        return await list_products(pool, session.owner, words, asked, now)

    @get("/v1/products/{product_id:str}", summary="One product, on sale or not", tags=["catalogue"])
    async def show(request: Request[Any, Any, Any], product_id: ProductId) -> Product:
        checked_id(product_id, "productId")
        now = clock()
        session = sessions.authenticate(request.headers.get("authorization"), request.headers.get("x-cust-id"), now)
        return await read_product(pool, session.owner, product_id, now)

    return [browse, show]
