"""What a customer has, as the operators see it: the reads that the customer's own routes have."""

from typing import Annotated

import msgspec
from msgspec import Meta

from lingdang.coupons.held import HeldVoucher, list_held
from lingdang.db.pool import Pool
from lingdang.http.route import AnyServed, Asked, Nothing, Route
from lingdang.identity.api_keys import ApiKey
from lingdang.identity.customers import known_customer
from lingdang.ids import CustId, ProductId
from lingdang.library.entitlements import CheckedRight, Entitlement, check_rights, list_entitlements
from lingdang.library.orders import OrderView, list_orders
from lingdang.library.past_orders import PastOrder, list_past_orders
from lingdang.library.wallets import EntryView, WalletView, list_entries, view_wallet
from lingdang.owner import Owner, owner_named
from lingdang.paging import Page
from lingdang.routes.callers import operator
from lingdang.routes.examples import bought, buying
from lingdang.routes.parameters import OfCustomer, PagesOfCustomer

_PATH = "/v1/admin/customers/{cust_id}"


class CheckRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Which products are asked about, and whose they may be."""

    cust_id: CustId
    product_ids: Annotated[tuple[ProductId, ...], Meta(min_length=1, max_length=200)]


class CheckAnswer(msgspec.Struct, frozen=True):
    """One item for each product, in the request's order."""

    items: list[CheckedRight]


WALLET = Route(
    name="getCustomerWallet",
    method="GET",
    path=f"{_PATH}/wallet",
    who=operator("customers:read"),
    summary="What a customer can spend",
    description="What the customer is told by `GET /v1/wallet`.",
    tag="operators",
    params=OfCustomer,
    answer=WalletView,
    example=bought.WALLET,
    problems=("not_found",),
)
ENTRIES = Route(
    name="listCustomerWalletEntries",
    method="GET",
    path=f"{_PATH}/entries",
    who=operator("customers:read"),
    summary="Every movement of a customer's wallet, newest first",
    description="What the customer is told by `GET /v1/wallet/entries`.",
    tag="operators",
    params=PagesOfCustomer,
    answer=Page[EntryView],
    example=Page([bought.ENTRY], None),
    problems=("not_found",),
)
ENTITLEMENTS = Route(
    name="listCustomerEntitlements",
    method="GET",
    path=f"{_PATH}/entitlements",
    who=operator("customers:read"),
    summary="What a customer owns, by productId",
    description="What the customer is told by `GET /v1/entitlements`. Nothing counts as opened by it.",
    tag="operators",
    params=PagesOfCustomer,
    answer=Page[Entitlement],
    example=Page([bought.ENTITLEMENT], None),
    problems=("not_found",),
)
VOUCHERS = Route(
    name="listCustomerVouchers",
    method="GET",
    path=f"{_PATH}/vouchers",
    who=operator("customers:read"),
    summary="A customer's vouchers, newest first",
    description="What the customer is told by `GET /v1/vouchers`.",
    tag="operators",
    params=PagesOfCustomer,
    answer=Page[HeldVoucher],
    example=Page([buying.VOUCHER], None),
    problems=("not_found",),
)
ORDERS = Route(
    name="listCustomerOrders",
    method="GET",
    path=f"{_PATH}/orders",
    who=operator("customers:read"),
    summary="A customer's orders, newest first",
    description="What the customer is told by `GET /v1/orders`.",
    tag="operators",
    params=PagesOfCustomer,
    answer=Page[OrderView],
    example=Page([bought.ORDER], None),
    problems=("not_found",),
)
PAST_ORDERS = Route(
    name="listCustomerPastOrders",
    method="GET",
    path=f"{_PATH}/orders/history",
    who=operator("customers:read"),
    summary="What a customer bought in the system before, newest first",
    description="What the customer is told by `GET /v1/orders/history`.",
    tag="operators",
    params=PagesOfCustomer,
    answer=Page[PastOrder],
    example=Page([bought.PAST_ORDER], None),
    problems=("not_found",),
)
CHECK = Route(
    name="checkEntitlements",
    method="POST",
    path="/v1/admin/entitlements/check",
    who=operator("customers:read"),
    summary="Which of these products are a customer's",
    description="One read for up to 200 products. Nothing counts as opened by it.",
    tag="operators",
    body=CheckRequest,
    body_example=CheckRequest("ann", (buying.PRODUCT_ID, "persuasion")),
    answer=CheckAnswer,
    example=CheckAnswer(
        [
            CheckedRight(buying.PRODUCT_ID, True, buying.PAID, order_id=buying.ORDER_ID),
            CheckedRight("persuasion", False),
        ]
    ),
    problems=("not_found",),
)


def routes(pool: Pool, buckets: int) -> list[AnyServed]:
    """The routes of what a customer has."""

    async def owner_of(params: OfCustomer | PagesOfCustomer) -> Owner:
        return owner_named(await known_customer(pool, params.cust_id), buckets)

    async def wallet(asked: Asked[ApiKey, OfCustomer]) -> WalletView:
        return await view_wallet(pool, await owner_of(asked.params), asked.now)

    async def entries(asked: Asked[ApiKey, PagesOfCustomer]) -> Page[EntryView]:
        return await list_entries(pool, await owner_of(asked.params), asked.params.window())

    async def entitlements(asked: Asked[ApiKey, PagesOfCustomer]) -> Page[Entitlement]:
        return await list_entitlements(pool, await owner_of(asked.params), asked.params.window())

    async def vouchers(asked: Asked[ApiKey, PagesOfCustomer]) -> Page[HeldVoucher]:
        return await list_held(pool, await owner_of(asked.params), asked.params.window(), asked.now)

    async def orders(asked: Asked[ApiKey, PagesOfCustomer]) -> Page[OrderView]:
        return await list_orders(pool, await owner_of(asked.params), asked.params.window())

    async def past_orders(asked: Asked[ApiKey, PagesOfCustomer]) -> Page[PastOrder]:
        return await list_past_orders(pool, await owner_of(asked.params), asked.params.window())

    async def check(asked: Asked[ApiKey, Nothing, CheckRequest]) -> CheckAnswer:
        body = asked.body
        return CheckAnswer(await check_rights(pool, buckets, body.cust_id, body.product_ids))

    return [
        CHECK.by(check),
        WALLET.by(wallet),
        ENTRIES.by(entries),
        ENTITLEMENTS.by(entitlements),
        VOUCHERS.by(vouchers),
        ORDERS.by(orders),
        PAST_ORDERS.by(past_orders),
    ]
