"""Browsing: GET /v1/products and GET /v1/products/{productId}, for a customer's session."""

from typing import Annotated, Any

import msgspec
from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from lingdang.catalog.listing import list_products
from lingdang.catalog.products import Product
from lingdang.catalog.reading import ProductReader
from lingdang.clock import Clock
from lingdang.db.pool import Pool
from lingdang.http.entry import HotRequest, HotRoute, Reply
from lingdang.http.paging import Cursor, Limit, Page, window
from lingdang.http.strict import checked_id
from lingdang.identity.sessions import Sessions

PROBLEMS = (
    "invalid_request",
    "unauthenticated",
    "cust_mismatch",
    "not_found",
    "overloaded",
    "internal_error",
)


class NoBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a request that has none."""


def hot_routes(reader: ProductReader, sessions: Sessions, clock: Clock) -> list[HotRoute[NoBody]]:
    """The price read."""
    encode = msgspec.json.Encoder().encode

    async def show(request: HotRequest[NoBody]) -> Reply:
        product_id = checked_id(request.param, "productId")
        session = sessions.authenticate(request.header(b"authorization"), request.header(b"x-cust-id"), clock())
        return Reply(encode(await reader.read(session.owner, product_id)))

    return [
        HotRoute(
            "GET",
            "/v1/products/{product_id}",
            NoBody,
            Product,
            show,
            optional_body=True,
            summary="One product, on sale or not",
            problems=PROBLEMS,
        )
    ]


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

    return [browse]
