"""/v1/admin/orders/{orderId}/refunds: operators give an order's bells back and end its rights."""

from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, QueryParameter
from msgspec import Meta

from lingdang.clock import Clock
from lingdang.db.pool import Pool
from lingdang.identity.api_keys import ApiKeys
from lingdang.ids import MAX_LINES, REMARK_PATTERN, ProductId
from lingdang.ledger.refunding import Reason
from lingdang.ledger.settlement import Settlement
from lingdang.library.refunds import (
    PREVIEW,
    OrderId,
    Policy,
    ProductIds,
    RefundableAnswer,
    RefundAnswer,
    RefundId,
    find_order,
    read_product_ids,
    refund,
    refundable,
)

_SCOPE: Final = "orders:refund"


class RefundRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A refund; without products: of all that is left. `reason` is shown to the customer, `note` is internal."""

    refund_id: RefundId
    reason: Reason
    product_ids: Annotated[tuple[ProductId, ...], Meta(min_length=1, max_length=MAX_LINES)] | None = None
    keep_discount: bool = False
    """Lines of an order with vouchers may be named: the others keep what the vouchers took off them."""
    note: Annotated[str, Meta(pattern=REMARK_PATTERN)] | None = None


def routes(
    api_keys: ApiKeys, pool: Pool, settlement: Settlement, policy: Policy, clock: Clock
) -> list[HTTPRouteHandler]:
    """The operators' refunds; scope `orders:refund`."""

    @post(
        "/v1/admin/orders/{order_id:str}/refunds",
        status_code=200,
        summary="Refund an order, each refundId of the customer once; scope orders:refund",
        tags=["operators"],
    )
    async def book(
        request: Request[Any, Any, Any], order_id: OrderId, data: JSONBody[RefundRequest]
    ) -> Response[RefundAnswer]:
        await api_keys.require(request.headers.get("authorization"), _SCOPE)
        place = await find_order(pool, order_id)
        asked = {name: getattr(data, name) for name in ("product_ids", "keep_discount", "reason", "note")}
        return await refund(settlement, policy.command("operator", place, order_id, data.refund_id, **asked))

    @get(
        "/v1/admin/orders/{order_id:str}/refundable",
        summary="What a refund would bring; scope orders:refund",
        tags=["operators"],
    )
    async def ask(
        request: Request[Any, Any, Any],
        order_id: OrderId,
        product_ids: ProductIds = None,
        keep_discount: Annotated[bool, QueryParameter(name="keepDiscount")] = False,
    ) -> RefundableAnswer:
        await api_keys.require(request.headers.get("authorization"), _SCOPE)
        place = await find_order(pool, order_id)
        asked: dict[str, Any] = {"product_ids": read_product_ids(product_ids), "keep_discount": keep_discount}
        command = policy.command("operator", place, order_id, PREVIEW, reason="other", **asked)
        return await refundable(pool, place, command, clock())

    return [book, ask]
