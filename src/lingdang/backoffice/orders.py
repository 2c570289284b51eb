"""GET /v1/admin/orders?custId=: a customer's orders as the operators see them."""

from typing import Annotated, Any

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from lingdang.db.pool import Pool
from lingdang.http.paging import Cursor, Limit, Page, window
from lingdang.http.strict import checked_cust_id
from lingdang.identity.api_keys import ApiKeys
from lingdang.identity.customers import known_customer
from lingdang.ids import CustId, bucket_of
from lingdang.library.orders import OrderView, list_orders_of


def routes(api_keys: ApiKeys, pool: Pool, buckets: int) -> list[HTTPRouteHandler]:
    """The orders of one customer; scope `orders:read`."""

    @get("/v1/admin/orders", summary="A customer's orders; scope orders:read", tags=["operators"])
    async def orders(
        request: Request[Any, Any, Any],
        cust_id: Annotated[CustId, QueryParameter(name="custId")],
        limit: Limit = None,
        cursor: Cursor = None,
    ) -> Page[OrderView]:
        await api_keys.require(request.headers.get("authorization"), "orders:read")
        customer = await known_customer(pool, checked_cust_id(cust_id))
        return await list_orders_of(pool, bucket_of(customer.key, buckets), customer.key, window(limit, cursor))

    return [orders]
