"""A customer's orders, as the operators see them."""

from lingdang.db.pool import Pool
from lingdang.http.route import AnyServed, Asked, Route
from lingdang.identity.api_keys import ApiKey
from lingdang.identity.customers import known_customer
from lingdang.ids import CustId, bucket_of
from lingdang.library.orders import OrderView, list_orders_of
from lingdang.paging import Page
from lingdang.routes.callers import operator
from lingdang.routes.examples import bought
from lingdang.routes.parameters import Pages


class OfOne(Pages, frozen=True, rename="camel", kw_only=True):
    """Whose orders."""

    cust_id: CustId


ORDERS = Route(
    name="listCustomerOrders",
    method="GET",
    path="/v1/admin/orders",
    who=operator("orders:read"),
    summary="A customer's orders, newest first",
    description="The orders as the customer sees them.",
    tag="operators",
    params=OfOne,
    answer=Page[OrderView],
    example=Page([bought.ORDER], None),
    problems=("not_found",),
)


def routes(pool: Pool, buckets: int) -> list[AnyServed]:
    """The operators' route of orders."""

    async def orders(asked: Asked[ApiKey, OfOne]) -> Page[OrderView]:
        customer = await known_customer(pool, asked.params.cust_id)
        return await list_orders_of(pool, bucket_of(customer.key, buckets), customer.key, asked.params.window())

    return [ORDERS.by(orders)]
