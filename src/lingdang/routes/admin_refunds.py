"""Refunds by operators: they give an order's bells back and end its rights."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from lingdang.db.pool import Pool
from lingdang.http.idempotency import answered
from lingdang.http.reply import Reply
from lingdang.http.route import AnyServed, Asked, Route
from lingdang.identity.api_keys import ApiKey
from lingdang.ids import REMARK_PATTERN
from lingdang.ledger.refunding import Reason
from lingdang.ledger.settlement import Settlement
from lingdang.library.refunds import PREVIEW, Policy, RefundableAnswer, RefundAnswer, find_order, refund, refundable
from lingdang.routes.callers import operator
from lingdang.routes.examples import bought
from lingdang.routes.parameters import OfOrder
from lingdang.routes.refunds import REFUND_PROBLEMS, OfLines, RefundId, SomeProducts


class RefundRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A refund; without products: of all that is left. `reason` is shown to the customer, `note` is internal."""

    refund_id: RefundId
    reason: Reason
    product_ids: SomeProducts | None = None
    keep_discount: bool = False
    """Lines of an order with vouchers may be named: the others keep what the vouchers took off them."""
    note: Annotated[str, Meta(pattern=REMARK_PATTERN)] | None = None


class OfSomeLines(OfLines, frozen=True, rename="camel", kw_only=True):
    """Which order, which of its products, and whether the others keep what vouchers took off them."""

    keep_discount: bool = False


REFUND = Route(
    name="createOrderRefund",
    method="POST",
    path="/v1/admin/orders/{order_id}/refunds",
    who=operator("orders:refund"),
    summary="Refund an order, each refundId of the customer once",
    description="Gives the bells back to the lots from which they came and ends the rights, in one transaction. "
    "Idempotent by `refundId`.",
    tag="operators",
    params=OfOrder,
    body=RefundRequest,
    body_example=RefundRequest(refund_id="r-1", reason="customer_request"),
    answer=RefundAnswer,
    example=bought.REFUND,
    problems=REFUND_PROBLEMS,
    headers=("Idempotent-Replayed",),
)
REFUNDABLE = Route(
    name="previewOrderRefund",
    method="GET",
    path="/v1/admin/orders/{order_id}/refundable",
    who=operator("orders:refund"),
    summary="What a refund would bring",
    description="Nothing is booked. `reasons` tells what stands against it.",
    tag="operators",
    params=OfSomeLines,
    answer=RefundableAnswer,
    example=bought.REFUNDABLE,
    problems=("not_found",),
)


def routes(pool: Pool, settlement: Settlement, policy: Policy) -> list[AnyServed]:
    """The operators' routes of refunds."""

    async def book(asked: Asked[ApiKey, OfOrder, RefundRequest]) -> RefundAnswer | Reply:
        order_id, body = asked.params.order_id, asked.body
        place = await find_order(pool, order_id)
        wanted = {name: getattr(body, name) for name in ("product_ids", "keep_discount", "reason", "note")}
        command = policy.command("operator", place, order_id, body.refund_id, **wanted)
        return answered(*await refund(settlement, command))

    async def ask(asked: Asked[ApiKey, OfSomeLines]) -> RefundableAnswer:
        params = asked.params
        place = await find_order(pool, params.order_id)
        wanted: dict[str, Any] = {"product_ids": params.names(), "keep_discount": params.keep_discount}
        command = policy.command("operator", place, params.order_id, PREVIEW, reason="other", **wanted)
        return await refundable(pool, place, command, asked.now)

    return [REFUND.by(book), REFUNDABLE.by(ask)]
