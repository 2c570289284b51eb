"""A customer's orders, as the operators see them."""

from lingdang.db.pool import Pool
from lingdang.http.route import AnyServed, Asked, Route
from lingdang.identity.api_keys import ApiKey
from lingdang.identity.customers import known_customer
from lingdang.library.orders import OrderView, list_orders
from lingdang.owner import owner_named
from lingdang.paging import Page
from lingdang.routes.callers import operator
from lingdang.routes.examples import bought
from lingdang.routes.parameters import PagesOfCustomer

ORDERS = Route(
    name="listCustomerOrders",
    method="GET",
    path="/v1/admin/orders",
    who=operator("orders:read"),
    summary="A customer's orders, newest first",
    description="The orders as the customer sees them.",
    tag="operators",
    params=PagesOfCustomer,
    answer=Page[OrderView],
    example=Page([bought.ORDER], None),
    problems=("not_found",),
)


def routes(pool: Pool, buckets: int) -> list[AnyServed]:
    """The operators' route of orders."""

    async def orders(asked: Asked[ApiKey, PagesOfCustomer]) -> Page[OrderView]:
        owner = owner_named(await known_customer(pool, asked.params.cust_id), buckets)
        return await list_orders(pool, owner, asked.params.window())

    return [ORDERS.by(orders)]
