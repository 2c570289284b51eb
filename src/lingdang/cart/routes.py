"""① The cart: PUT and DELETE /v1/cart/items/{productId}, GET and PATCH /v1/cart."""

from datetime import datetime
from typing import Any

import msgspec
from litestar import Request, delete, get, patch
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from lingdang.cart.items import Cart, read_cart, remove, tick_all
from lingdang.cart.ticks import CartTicks, Tick, Ticked
from lingdang.clock import Clock
from lingdang.db.pool import Owner, Pool
from lingdang.http.entry import HotRequest, HotRoute, Reply
from lingdang.http.strict import checked_id
from lingdang.identity.sessions import Sessions
from lingdang.ids import ProductId

PROBLEMS = (
    "invalid_request",
    "unauthenticated",
    "cust_mismatch",
    "not_found",
    "cart_full",
    "body_too_large",
    "rate_limited",
    "overloaded",
    "internal_error",
)


class TickRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of PUT /v1/cart/items/{productId}, which may be left out."""

    ticked: bool = True


class TickAllRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of PATCH /v1/cart."""

    ticked: bool


def hot_routes(ticks: CartTicks, sessions: Sessions, clock: Clock) -> list[HotRoute[TickRequest]]:
    """The tick."""
    encode = msgspec.json.Encoder().encode

    async def tick(request: HotRequest[TickRequest]) -> Reply:
        product_id = checked_id(request.param, "productId")
        session = sessions.authenticate(request.header(b"authorization"), request.header(b"x-cust-id"), clock())
        return Reply(encode(await ticks.tick(Tick(session.owner, product_id, request.body.ticked))))

    return [
        HotRoute(
            "PUT",
            "/v1/cart/items/{product_id}",
            TickRequest,
            Ticked,
            tick,
            optional_body=True,
            shared=True,
            summary="Put a product into the cart, or change its tick",
            problems=PROBLEMS,
        )
    ]


def routes(pool: Pool, sessions: Sessions, clock: Clock) -> list[HTTPRouteHandler]:
    """The cart as a whole."""

    def authenticate(request: Request[Any, Any, Any], now: datetime) -> Owner:
        headers = request.headers
        return sessions.authenticate(headers.get("authorization"), headers.get("x-cust-id"), now).owner

    @get("/v1/cart", summary="The cart at today's prices", tags=["cart"])
    async def show(request: Request[Any, Any, Any]) -> Cart:
        now = clock()
        return await read_cart(pool, authenticate(request, now), now)

    @patch("/v1/cart", summary="Tick or untick all products", tags=["cart"])
    async def change(request: Request[Any, Any, Any], data: JSONBody[TickAllRequest]) -> Cart:
        now = clock()
        return await tick_all(pool, authenticate(request, now), data.ticked, now)

    @delete("/v1/cart/items/{product_id:str}", summary="Take a product out of the cart", tags=["cart"])
    async def take_out(request: Request[Any, Any, Any], product_id: ProductId) -> None:
        checked_id(product_id, "productId")
        await remove(pool, authenticate(request, clock()), product_id)

    return [show, change, take_out]
