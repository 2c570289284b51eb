"""The catalogue, as the platform's servers keep it."""

from typing import Annotated

from msgspec import Meta

from lingdang.catalog.keeping import change_product, list_all_products, take_out_product
from lingdang.catalog.patches import ProductChange
from lingdang.catalog.products import ProductInput, ProductView, Status, get_product, put_product
from lingdang.db.pool import Pool, transaction
from lingdang.http.problems import invalid
from lingdang.http.reply import Reply, replied
from lingdang.http.route import AnyServed, Asked, Route
from lingdang.identity.api_keys import ApiKey
from lingdang.paging import Page
from lingdang.routes.callers import operator
from lingdang.routes.examples import buying
from lingdang.routes.parameters import OfProduct, Pages

_PATH = "/v1/admin/products/{product_id}"


class OfStatus(Pages, frozen=True, rename="camel", kw_only=True, forbid_unknown_fields=True):
    """Which products, and which page of them."""

    status: Annotated[Status | None, Meta(description="Those alone that are active, or withdrawn.")] = None


WRITE = Route(
    name="putProduct",
    method="PUT",
    path=_PATH,
    who=operator("catalog:write"),
    summary="Create a product, or replace all of it",
    description="Offers made before keep their prices until they expire.",
    tag="operators",
    params=OfProduct,
    body=ProductInput,
    body_example=buying.PRODUCT_INPUT,
    answer=ProductView,
    example=buying.PRODUCT,
    statuses={200: "The product as it is now", 201: "The product is new"},
)
CHANGE = Route(
    name="changeProduct",
    method="PATCH",
    path=_PATH,
    who=operator("catalog:write"),
    summary="Change fields of a product; null empties one",
    description="Only the fields that are named change, and of `attributes` only those named.",
    tag="operators",
    params=OfProduct,
    body=ProductChange,
    body_example=ProductChange(price=98),
    answer=ProductView,
    example=buying.PRODUCT,
    problems=("not_found",),
)
TAKE_OUT = Route(
    name="deleteProduct",
    method="DELETE",
    path=_PATH,
    who=operator("catalog:write"),
    summary="Take a product out of the catalogue",
    description="Orders and rights that name it stay. To end its sale alone, change its `status`.",
    tag="operators",
    params=OfProduct,
    answer=type(None),
    problems=("not_found",),
)
SHOW = Route(
    name="getCatalogueProduct",
    method="GET",
    path=_PATH,
    who=operator("catalog:write"),
    summary="One product as it is",
    description="On sale or not, as it stands in the catalogue.",
    tag="operators",
    params=OfProduct,
    answer=ProductView,
    example=buying.PRODUCT,
    problems=("not_found",),
)
EVERYTHING = Route(
    name="listCatalogueProducts",
    method="GET",
    path="/v1/admin/products",
    who=operator("catalog:write"),
    summary="Every product, on sale or not",
    description="By productId; with `status` those that have it.",
    tag="operators",
    params=OfStatus,
    answer=Page[ProductView],
    example=Page([buying.PRODUCT], None),
)


def routes(pool: Pool) -> list[AnyServed]:
    """The operators' routes of the catalogue."""

    async def write(asked: Asked[ApiKey, OfProduct, ProductInput]) -> Reply:
        async with transaction(pool) as connection:
            written = await put_product(connection, asked.params.product_id, asked.body, asked.now)
        return replied(written.product, 201 if written.created else 200)

    async def change(asked: Asked[ApiKey, OfProduct, ProductChange]) -> ProductView:
        try:
            async with transaction(pool) as connection:
                return await change_product(connection, asked.params.product_id, asked.body, asked.now)
        except ValueError as error:
            raise invalid("$", str(error)) from None

    async def take_out(asked: Asked[ApiKey, OfProduct]) -> None:
        async with transaction(pool) as connection:
            await take_out_product(connection, asked.params.product_id)

    async def show(asked: Asked[ApiKey, OfProduct]) -> ProductView:
        async with transaction(pool) as connection:
            return await get_product(connection, asked.params.product_id, asked.now)

    async def everything(asked: Asked[ApiKey, OfStatus]) -> Page[ProductView]:
        return await list_all_products(pool, asked.params.status, asked.params.window(), asked.now)

    return [
        WRITE.by(write),
        CHANGE.by(change),
        TAKE_OUT.by(take_out),
        SHOW.by(show),
        EVERYTHING.by(everything),
    ]
