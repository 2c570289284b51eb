"""The catalogue, as the platform's servers keep it."""

from lingdang.catalog.products import ProductInput, ProductView, get_product, put_product
from lingdang.db.pool import Pool, transaction
from lingdang.http.reply import Reply, replied
from lingdang.http.route import AnyServed, Asked, Route
from lingdang.identity.api_keys import ApiKey
from lingdang.routes.callers import operator
from lingdang.routes.examples import buying
from lingdang.routes.parameters import OfProduct

WRITE = Route(
    name="putProduct",
    method="PUT",
    path="/v1/admin/products/{product_id}",
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
SHOW = Route(
    name="getCatalogueProduct",
    method="GET",
    path="/v1/admin/products/{product_id}",
    who=operator("catalog:write"),
    summary="One product as it is",
    description="On sale or not, as it stands in the catalogue.",
    tag="operators",
    params=OfProduct,
    answer=ProductView,
    example=buying.PRODUCT,
    problems=("not_found",),
)


def routes(pool: Pool) -> list[AnyServed]:
    """The operators' routes of the catalogue."""

    async def write(asked: Asked[ApiKey, OfProduct, ProductInput]) -> Reply:
        async with transaction(pool) as connection:
            written = await put_product(connection, asked.params.product_id, asked.body, asked.now)
        return replied(written.product, 201 if written.created else 200)

    async def show(asked: Asked[ApiKey, OfProduct]) -> ProductView:
        async with transaction(pool) as connection:
            return await get_product(connection, asked.params.product_id, asked.now)

    return [WRITE.by(write), SHOW.by(show)]
