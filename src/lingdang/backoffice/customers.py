"""POST /v1/admin/customers: customers who sign in with a password kept here."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody
from msgspec import Meta

from lingdang.clock import Clock
from lingdang.db.pool import Pool
from lingdang.identity.api_keys import ApiKeys
from lingdang.identity.customers import add_customer, set_groups
from lingdang.identity.passwords import NewPassword, Passwords
from lingdang.ids import ID_PATTERN, CustId

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


def routes(api_keys: ApiKeys, pool: Pool, passwords: Passwords, buckets: int, clock: Clock) -> list[HTTPRouteHandler]:
    """The customers' route; scope `customers:write`."""

    @post(
        "/v1/admin/customers",
        summary="Add a customer, or set a customer's password (scope customers:write)",
        tags=["operators"],
        responses={200: ResponseSpec(CustomerAnswer, description="The customer was there")},
    )
    async def add(request: Request[Any, Any, Any], data: JSONBody[CustomerRequest]) -> Response[CustomerAnswer]:
        await api_keys.require(request.headers.get("authorization"), "customers:write")
        added = await add_customer(pool, passwords, buckets, data.cust_id, data.password, clock())
        if data.groups is not None:
            await set_groups(pool, added.customer, data.groups)
        return Response(CustomerAnswer(data.cust_id, added.created_at), status_code=201 if added.created else 200)

    return [add]
