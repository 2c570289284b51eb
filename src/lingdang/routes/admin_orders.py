"""Orders of all customers, as the operators see them."""

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta
from msgspec.structs import asdict

from lingdang.db.pool import Pool
from lingdang.errors import invalid_field
from lingdang.http.route import AnyServed, Asked, Route
from lingdang.identity.api_keys import ApiKey
from lingdang.identity.customers import known_customer
from lingdang.ids import CustId, ProductId
from lingdang.library.found_orders import (
    OrderOfCustomer,
    OrderStatus,
    Sought,
    find_order_of_anybody,
    find_orders,
)
from lingdang.moments import read_usable
from lingdang.owner import owner_named
from lingdang.paging import Page
from lingdang.routes.callers import operator
from lingdang.routes.examples import bought
from lingdang.routes.parameters import OfOrder, Pages


class Seeking(Pages, frozen=True, rename="camel", kw_only=True, forbid_unknown_fields=True):
    """Which orders, and which page of them. All that is given must hold."""

    cust_id: CustId | None = None
    since: Annotated[
        str | None,
        Meta(description="Paid from then on: a day of LINGDANG_TIME_ZONE, or a moment, 2026-11-23T08:00:00Z."),
    ] = msgspec.field(default=None, name="from")
    until: Annotated[str | None, Meta(description="Paid up to the end of this day, or before this moment.")] = (
        msgspec.field(default=None, name="to")
    )
    product_id: ProductId | None = None
    status: Annotated[OrderStatus | None, Meta(description="What has become of the order.")] = None

    def period(self, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
        """From when on, and before when. Raises Problem `invalid_request`."""
        since, until = _moment("from", self.since, zone), _moment("to", self.until, zone)
        if since is not None and until is not None and since >= until:
            raise invalid_field("from", "Expected a moment before `to`")
        return since, until


_EXAMPLE = OrderOfCustomer(**asdict(bought.ORDER), cust_id="ann")

ORDERS = Route(
    name="findOrders",
    method="GET",
    path="/v1/admin/orders",
    who=operator("orders:read"),
    summary="Orders of all customers, newest first",
    description="All that is given must hold. With `custId` they follow that customer's payments, else the "
    "orders' ids.",
    tag="operators",
    params=Seeking,
    answer=Page[OrderOfCustomer],
    example=Page([_EXAMPLE], None),
    problems=("not_found",),
)
ORDER = Route(
    name="getOrderOfAnybody",
    method="GET",
    path="/v1/admin/orders/{order_id}",
    who=operator("orders:read"),
    summary="One order of any customer",
    description="As it was bought, with what was refunded of it, and whose it is.",
    tag="operators",
    params=OfOrder,
    answer=OrderOfCustomer,
    example=_EXAMPLE,
    problems=("not_found",),
)


def routes(pool: Pool, buckets: int, zone: ZoneInfo, offer_seconds: int) -> list[AnyServed]:
    """The operators' routes of orders."""

    async def orders(asked: Asked[ApiKey, Seeking]) -> Page[OrderOfCustomer]:
        params = asked.params
        window, (since, until) = params.window(), params.period(zone)
        owner = None if params.cust_id is None else owner_named(await known_customer(pool, params.cust_id), buckets)
        sought = Sought(
            owner=owner,
            since=since,
            until=until,
            product_id=params.product_id,
            status=params.status,
            offer_seconds=offer_seconds,
        )
        return await find_orders(pool, sought, window)

    async def order(asked: Asked[ApiKey, OfOrder]) -> OrderOfCustomer:
        return await find_order_of_anybody(pool, asked.params.order_id)

    return [ORDERS.by(orders), ORDER.by(order)]


def _moment(name: str, text: str | None, zone: ZoneInfo) -> datetime | None:
    if text is None:
        return None
    try:
        return read_usable(text, zone, end=name == "to")
    except ValueError as error:
        raise invalid_field(name, str(error)) from None
