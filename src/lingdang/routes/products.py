"""Browsing: what is sold, and at which price."""

from typing import Annotated

from msgspec import Meta

from lingdang.catalog.listing import list_products
from lingdang.catalog.products import ProductView
from lingdang.catalog.reading import ProductReader
from lingdang.db.pool import Pool
from lingdang.http.route import AnyServed, Asked, Route
from lingdang.identity.session import Session
from lingdang.paging import Page
from lingdang.routes.callers import CUSTOMER
from lingdang.routes.examples import buying
from lingdang.routes.parameters import OfProduct, Pages


class Browsing(Pages, frozen=True, rename="camel"):
    """What to look for, and which page of what is found."""

    query: Annotated[str, Meta(description="Words of a title, publisher or author.")] = ""


BROWSE = Route(
    name="listProducts",
    method="GET",
    path="/v1/products",
    who=CUSTOMER,
    summary="Browse or search the products on sale",
    description="The products on sale, the most popular first; with `query` those that fit the words.",
    tag="catalogue",
    params=Browsing,
    answer=Page[ProductView],
    example=Page([buying.PRODUCT], None),
)
SHOW = Route(
    name="getProduct",
    method="GET",
    path="/v1/products/{product_id}",
    who=CUSTOMER,
    summary="One product, on sale or not",
    description="`available` tells whether it can be bought now.",
    tag="catalogue",
    params=OfProduct,
    answer=ProductView,
    example=buying.PRODUCT,
    problems=("not_found",),
    short_way=True,
)


def routes(pool: Pool, reader: ProductReader) -> list[AnyServed]:
    """The customers' routes of the catalogue."""

    async def browse(asked: Asked[Session, Browsing]) -> Page[ProductView]:
        params = asked.params
        return await list_products(pool, asked.who.owner, params.query, params.window(), asked.now)

    async def show(asked: Asked[Session, OfProduct]) -> ProductView:
        return await reader.read(asked.who.owner, asked.params.product_id)

    return [BROWSE.by(browse), SHOW.by(show)]
