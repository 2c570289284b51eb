"""A customer's orders."""

from lingdang.db.pool import Pool
from lingdang.http.route import AnyServed, Asked, Route
from lingdang.identity.session import Session
from lingdang.library.orders import OrderView, get_order, list_orders
from lingdang.library.past_orders import PastOrder, list_past_orders
from lingdang.paging import Page
from lingdang.routes.callers import CUSTOMER
from lingdang.routes.examples import bought
from lingdang.routes.parameters import OfOrder, Pages

ORDERS = Route(
    name="listOrders",
    method="GET",
    path="/v1/orders",
    who=CUSTOMER,
    summary="The customer's orders, newest first",
    description="Each order as it was bought, with its refunds.",
    tag="library",
    params=Pages,
    answer=Page[OrderView],
    example=Page([bought.ORDER], None),
)
PAST_ORDERS = Route(
    name="listPastOrders",
    method="GET",
    path="/v1/orders/history",
    who=CUSTOMER,
    summary="What the customer bought in the system before, newest first",
    description="Orders that were brought in when the platform moved here. They are history: they moved no bells of "
    "this shop, gave no right, and are in no other list.",
    tag="library",
    params=Pages,
    answer=Page[PastOrder],
    example=Page([bought.PAST_ORDER], None),
)
ORDER = Route(
    name="getOrder",
    method="GET",
    path="/v1/orders/{order_id}",
    who=CUSTOMER,
    summary="One order as it was bought",
    description="Lines and vouchers as they were paid, and what was given back since.",
    tag="library",
    params=OfOrder,
    answer=OrderView,
    example=bought.ORDER,
    problems=("not_found",),
)


def routes(pool: Pool) -> list[AnyServed]:
    """The orders' routes."""

    async def orders(asked: Asked[Session, Pages]) -> Page[OrderView]:
        return await list_orders(pool, asked.who.owner, asked.params.window())

    async def past_orders(asked: Asked[Session, Pages]) -> Page[PastOrder]:
        return await list_past_orders(pool, asked.who.owner, asked.params.window())

    async def order(asked: Asked[Session, OfOrder]) -> OrderView:
        return await get_order(pool, asked.who.owner, asked.params.order_id)

    return [ORDERS.by(orders), PAST_ORDERS.by(past_orders), ORDER.by(order)]
