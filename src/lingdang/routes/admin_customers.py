"""Customers: those who sign in with a password kept here, and the groups that conditions of vouchers name."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from lingdang.backoffice.customers import CustomerView, view_customer
from lingdang.db.pool import Pool
from lingdang.http.reply import Reply, replied
from lingdang.http.route import AnyServed, Asked, Nothing, Route
from lingdang.identity.api_keys import ApiKey
from lingdang.identity.customers import add_customer, set_groups
from lingdang.identity.passwords import NewPassword, Passwords
from lingdang.ids import ID_PATTERN, CustId
from lingdang.routes.callers import operator
from lingdang.routes.examples.buying import ADDED
from lingdang.routes.parameters import OfCustomer

Group = Annotated[str, Meta(pattern=ID_PATTERN, description="A group as the platform names it.")]


class CustomerRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A customer, the password they sign in with, and the groups that conditions of vouchers name.

    Without a password or groups, what is stored stays.
    """

    cust_id: CustId
    password: NewPassword | None = None
    groups: Annotated[tuple[Group, ...], Meta(max_length=50)] | None = None


class CustomerAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """A customer who is there."""

    cust_id: str
    created_at: datetime


ADD = Route(
    name="createCustomer",
    method="POST",
    path="/v1/admin/customers",
    who=operator("customers:write"),
    summary="Add a customer, or set a customer's password",
    description="Another password ends the sessions of the one before.",
    tag="operators",
    body=CustomerRequest,
    body_example=CustomerRequest(cust_id="ann", groups=("vip",)),
    answer=CustomerAnswer,
    example=CustomerAnswer("ann", ADDED),
    statuses={201: "The customer is new", 200: "The customer was there"},
)
SHOW = Route(
    name="getCustomer",
    method="GET",
    path="/v1/admin/customers/{cust_id}",
    who=operator("customers:read"),
    summary="One customer",
    description="Whether they are known, since when, and how they may sign in.",
    tag="operators",
    params=OfCustomer,
    answer=CustomerView,
    example=CustomerView("ann", ADDED, ["students"], True),
    problems=("not_found",),
)


def routes(pool: Pool, passwords: Passwords, buckets: int) -> list[AnyServed]:
    """The customers' routes."""

    async def add(asked: Asked[ApiKey, Nothing, CustomerRequest]) -> Reply:
        body = asked.body
        added = await add_customer(pool, passwords, buckets, body.cust_id, body.password, asked.now)
        if body.groups is not None:
            await set_groups(pool, added.customer, body.groups)
        return replied(CustomerAnswer(body.cust_id, added.created_at), 201 if added.created else 200)

    async def show(asked: Asked[ApiKey, OfCustomer]) -> CustomerView:
        return await view_customer(pool, asked.params.cust_id)

    return [ADD.by(add), SHOW.by(show)]
