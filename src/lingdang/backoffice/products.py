"""PUT and GET /v1/admin/products/{productId}: the platform's servers keep the catalogue."""

from typing import Any

from litestar import Request, Response, get, put
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody

from lingdang.catalog.products import ProductInput, ProductView, get_product, put_product
from lingdang.clock import Clock
from lingdang.db.pool import Pool, transaction
from lingdang.http.strict import checked_id
from lingdang.identity.api_keys import ApiKeys
from lingdang.ids import ProductId


def routes(api_keys: ApiKeys, pool: Pool, clock: Clock) -> list[HTTPRouteHandler]:
    """The operators' routes of the catalogue; scope `catalog:write`."""

    @put(
        "/v1/admin/products/{product_id:str}",
        summary="Create a product, or replace all of it",
        tags=["operators"],
        responses={201: ResponseSpec(ProductView, description="The product is new")},
    )
    async def write(
        request: Request[Any, Any, Any], product_id: ProductId, data: JSONBody[ProductInput]
    ) -> Response[ProductView]:
        checked_id(product_id, "productId")
        await api_keys.require(request.headers.get("authorization"), "catalog:write")
        async with transaction(pool) as connection:
            written = await put_product(connection, product_id, data, clock())
        return Response(written.product, status_code=201 if written.created else 200)

    @get("/v1/admin/products/{product_id:str}", summary="One product as it is", tags=["operators"])
    async def show(request: Request[Any, Any, Any], product_id: ProductId) -> ProductView:
        checked_id(product_id, "productId")
        await api_keys.require(request.headers.get("authorization"), "catalog:write")
        async with transaction(pool) as connection:
            return await get_product(connection, product_id, clock())

    return [write, show]
