"""A customer's own refunds."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from lingdang.db.pool import Pool
from lingdang.http.idempotency import answered
from lingdang.http.problems import from_decode_error
from lingdang.http.reply import Reply
from lingdang.http.route import AnyServed, Asked, Route
from lingdang.identity.session import Session
from lingdang.ids import MAX_LINES, OWN_ID_PATTERN, ProductId
from lingdang.ledger.refunding import Reason
from lingdang.ledger.settlement import Settlement
from lingdang.library.refunds import (
    PREVIEW,
    Policy,
    RefundableAnswer,
    RefundAnswer,
    find_own_order,
    refund,
    refundable,
)
from lingdang.routes.callers import CUSTOMER
from lingdang.routes.examples import bought
from lingdang.routes.parameters import OfOrder

RefundId = Annotated[
    str,
    Meta(
        pattern=OWN_ID_PATTERN,
        description="Your own id of this refund, unique within the customer: it is booked once.",
    ),
]
SomeProducts = Annotated[tuple[ProductId, ...], Meta(min_length=1, max_length=MAX_LINES)]


class OwnRefundRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A customer's own refund; without products: of all that is left."""

    refund_id: RefundId
    reason: Reason
    product_ids: SomeProducts | None = None


class OfLines(OfOrder, frozen=True, rename="camel", kw_only=True):
    """Which order, and which of its products."""

    product_ids: Annotated[
        str | None, Meta(description="Some of its products, joined with commas; all unless told.")
    ] = None

    def names(self) -> tuple[str, ...] | None:
        """The products that are named. Raises Problem `invalid_request`."""
        if self.product_ids is None:
            return None
        try:
            return msgspec.convert(self.product_ids.split(","), SomeProducts)
        except msgspec.ValidationError as error:
            raise from_decode_error(error, "$.productIds") from None


REFUND_PROBLEMS = ("not_found", "already_refunded", "refund_not_allowed", "idempotency_mismatch", "outcome_unknown")

GIVE_BACK = Route(
    name="createRefund",
    method="POST",
    path="/v1/orders/{order_id}/refunds",
    who=CUSTOMER,
    summary="Give an order back",
    description="Gives back products that were not opened yet, where and as long as the shop allows it. Idempotent by "
    "`refundId`.",
    tag="refunds",
    params=OfOrder,
    body=OwnRefundRequest,
    body_example=OwnRefundRequest(refund_id="r-1", reason="customer_request"),
    answer=RefundAnswer,
    example=bought.REFUND,
    problems=REFUND_PROBLEMS,
    headers=("Idempotent-Replayed",),
)
REFUNDABLE = Route(
    name="previewRefund",
    method="GET",
    path="/v1/orders/{order_id}/refundable",
    who=CUSTOMER,
    summary="What giving an order back would bring",
    description="Nothing is booked. `reasons` tells what stands against it.",
    tag="refunds",
    params=OfLines,
    answer=RefundableAnswer,
    example=bought.REFUNDABLE,
    problems=("not_found",),
)


def routes(pool: Pool, settlement: Settlement, policy: Policy) -> list[AnyServed]:
    """The customer's routes of refunds."""

    async def give_back(asked: Asked[Session, OfOrder, OwnRefundRequest]) -> RefundAnswer | Reply:
        order_id, body = asked.params.order_id, asked.body
        place = await find_own_order(pool, asked.who.owner, order_id)
        wanted: dict[str, Any] = {"product_ids": body.product_ids, "reason": body.reason}
        command = policy.command("customer", place, order_id, body.refund_id, **wanted)
        return answered(*await refund(settlement, command))

    async def ask(asked: Asked[Session, OfLines]) -> RefundableAnswer:
        order_id = asked.params.order_id
        place = await find_own_order(pool, asked.who.owner, order_id)
        wanted: dict[str, Any] = {"product_ids": asked.params.names(), "reason": "customer_request"}
        command = policy.command("customer", place, order_id, PREVIEW, **wanted)
        return await refundable(pool, place, command, asked.now)

    return [GIVE_BACK.by(give_back), REFUNDABLE.by(ask)]
