"""Browsing: what is sold, and at which price."""

from dataclasses import replace
from typing import Annotated, NamedTuple

from msgspec import Meta

from lingdang.catalog.listing import list_products
from lingdang.catalog.products import ProductView
from lingdang.catalog.reading import ProductReader
from lingdang.catalog.strangers import Strangers
from lingdang.db.pool import Pool
from lingdang.http.reply import Reply, replied
from lingdang.http.route import AnyServed, Asked, Route
from lingdang.identity.session import Session
from lingdang.owner import NOBODY
from lingdang.paging import Page
from lingdang.routes.callers import READER, VISITOR
from lingdang.routes.examples import buying
from lingdang.routes.parameters import OfProduct, Pages


class Browsing(Pages, frozen=True, rename="camel"):
    """What to look for, and which page of what is found."""

    query: Annotated[str, Meta(description="Words of a title, publisher or author.")] = ""


BROWSE = Route(
    name="listProducts",
    method="GET",
    path="/v1/products",
    who=READER,
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
    who=READER,
    summary="One product, on sale or not",
    description="`available` tells whether it can be bought now.",
    tag="catalogue",
    params=OfProduct,
    answer=ProductView,
    example=buying.PRODUCT,
    problems=("not_found",),
    short_way=True,
)


class Public(NamedTuple):
    """What strangers may take of a worker where the catalogue is public: turns for lists, and for products' pages."""

    lists: Strangers
    pages: Strangers


SHARED = ((b"cache-control", b"public, max-age=60"), (b"vary", b"authorization"))
"""What strangers are told is the same for all of them."""


def routes(pool: Pool, reader: ProductReader, public: Public | None) -> list[AnyServed]:
    """The routes of the catalogue: of customers, and where it is `public` of everybody."""

    async def browse(asked: Asked[Session | None, Browsing]) -> Page[ProductView]:
        params = asked.params
        owner = NOBODY if asked.who is None else asked.who.owner
        return await list_products(pool, owner, params.query, params.window(), asked.now)

    async def show(asked: Asked[Session | None, OfProduct]) -> ProductView:
        return await reader.read(NOBODY if asked.who is None else asked.who.owner, asked.params.product_id)

    if public is None:
        return [BROWSE.by(browse), SHOW.by(show)]

    async def browse_by_turns(asked: Asked[Session | None, Browsing]) -> Page[ProductView] | Reply:
        if asked.who is not None:
            return await browse(asked)
        async with public.lists.turn():
            return replied(await browse(asked), headers=SHARED)

    async def show_by_turns(asked: Asked[Session | None, OfProduct]) -> ProductView | Reply:
        if asked.who is not None:
            return await show(asked)
        async with public.pages.turn():
            return replied(await show(asked), headers=SHARED)

    return [replace(BROWSE, who=VISITOR).by(browse_by_turns), replace(SHOW, who=VISITOR).by(show_by_turns)]
