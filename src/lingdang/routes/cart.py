"""① The cart."""

import msgspec

from lingdang.cart import changes
from lingdang.cart.carts import Carts, Ticked
from lingdang.cart.shown import Cart
from lingdang.db.pool import Pool
from lingdang.http.route import AnyServed, Asked, Nothing, Route
from lingdang.identity.session import Session
from lingdang.routes.callers import CUSTOMER
from lingdang.routes.examples import buying
from lingdang.routes.parameters import OfProduct


class TickRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether the product is ticked. The body may be left out."""

    ticked: bool = True


class TickAllRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether all products are ticked."""

    ticked: bool


TICK = Route(
    name="tickCartItem",
    method="PUT",
    path="/v1/cart/items/{product_id}",
    who=CUSTOMER,
    summary="Put a product into the cart, or change its tick",
    description="Adds the product, or changes its tick, and answers its price. The same request again changes nothing.",
    tag="cart",
    params=OfProduct,
    body=TickRequest,
    body_example=TickRequest(ticked=False),
    optional_body=True,
    answer=Ticked,
    example=buying.TICKED,
    problems=("not_found", "cart_full"),
    short_way=True,
)
SHOW = Route(
    name="getCart",
    method="GET",
    path="/v1/cart",
    who=CUSTOMER,
    summary="The cart at today's prices",
    description="Every product in the cart at the price that it has now, and the sum of those that a checkout would"
    " take.",
    tag="cart",
    answer=Cart,
    example=buying.CART,
)
TICK_ALL = Route(
    name="tickCart",
    method="PATCH",
    path="/v1/cart",
    who=CUSTOMER,
    summary="Tick or untick all products",
    description="Ticks or unticks every product in the cart, and answers the whole cart.",
    tag="cart",
    body=TickAllRequest,
    body_example=TickAllRequest(ticked=True),
    answer=Cart,
    example=buying.CART,
)
TAKE_OUT = Route(
    name="removeCartItem",
    method="DELETE",
    path="/v1/cart/items/{product_id}",
    who=CUSTOMER,
    summary="Take a product out of the cart",
    description="Answers 204 also where the product was not in the cart.",
    tag="cart",
    params=OfProduct,
    answer=type(None),
)


def routes(carts: Carts, pool: Pool) -> list[AnyServed]:
    """The cart's routes."""

    async def tick(asked: Asked[Session, OfProduct, TickRequest]) -> Ticked:
        return await carts.tick(asked.who.owner, asked.params.product_id, asked.body.ticked)

    async def show(asked: Asked[Session]) -> Cart:
        return await carts.show(asked.who.owner)

    async def tick_all(asked: Asked[Session, Nothing, TickAllRequest]) -> Cart:
        await changes.tick_all(pool, asked.who.owner, asked.body.ticked)
        return await carts.show(asked.who.owner)

    async def take_out(asked: Asked[Session, OfProduct]) -> None:
        await changes.remove(pool, asked.who.owner, asked.params.product_id)

    return [TICK.by(tick), SHOW.by(show), TICK_ALL.by(tick_all), TAKE_OUT.by(take_out)]
