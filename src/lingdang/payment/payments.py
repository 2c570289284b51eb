"""Steps ④ and ⑤: one payment request, checked in the contract's order, then settled."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from lingdang.checkout.offer import Offer
from lingdang.checkout.order_token import MAX_TOKEN_LENGTH, OrderTokens
from lingdang.clock import rfc3339
from lingdang.coupons.reasons import Reason, unusable
from lingdang.errors import Problem
from lingdang.identity.session import Session
from lingdang.ids import MAX_LINES, ProductId, ruled
from lingdang.ledger.done import Done
from lingdang.ledger.paying import Order, Pay
from lingdang.ledger.settlement import Settlement
from lingdang.payment.signing import string_to_sign, verifies

MAX_SKEW_SECONDS = 300
_NONCE = ruled(r"^[A-Za-z0-9_-]{8,64}\Z", "8 to 64 of A-Z a-z 0-9 _ -")


class PaymentRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What the client confirms. `timestamp` is in Unix seconds; `sign` is over the other fields and the custId."""

    product_ids: Annotated[tuple[ProductId, ...], Meta(min_length=1, max_length=MAX_LINES)]
    timestamp: Annotated[int, Meta(ge=0, le=2**53)]
    nonce: Annotated[str, Meta(pattern=_NONCE)]
    order_token: Annotated[str, Meta(max_length=MAX_TOKEN_LENGTH)]
    sign_type: Annotated[str, Meta(max_length=32)]
    sign: Annotated[str, Meta(max_length=512)]


class GrantedRight(msgspec.Struct, frozen=True, rename="camel"):
    """The right to one product."""

    product_id: str
    granted_at: datetime


class PaymentAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """A paid order: what was taken, and what the wallet held right after it."""

    order_id: UUID
    status: str
    currency: str
    paid: int
    balance: int
    paid_at: datetime
    entitlements: list[GrantedRight]


class Payments:
    """Confirms payments."""

    def __init__(self, tokens: OrderTokens, settlement: Settlement) -> None:
        self._tokens = tokens
        self._settlement = settlement
        self.require_room = settlement.require_room
        """Raises Problem `overloaded` when a payment could not be taken in: to be asked before anything is computed."""

    async def confirm(self, request: PaymentRequest, session: Session, now: datetime) -> tuple[PaymentAnswer, bool]:
        """Pay the request's order, or answer as it was answered when it was paid (True: a replay).

        Raises the first Problem in the contract's order of checks, from the token on; whatever is raised, nothing was
        taken.
        """
        offer = self._tokens.open(request.order_token)
        check_request(request, offer, session, now)
        try:
            done = await self._settlement.submit(_command(offer))
        except Problem as problem:
            raise _explained(problem) from None
        return _answer(done), done.replayed


def check_request(request: PaymentRequest, offer: Offer, session: Session, now: datetime) -> None:
    """Raises Problem `cust_mismatch`, `order_mismatch`, `timestamp_skew` or `sign_invalid`, in this order."""
    if offer.customer != session.owner.customer:
        raise Problem("cust_mismatch", why="the order token is another customer's")
    if offer.session_id != session.session_id:
        raise Problem("cust_mismatch", why="the order token is of another session")
    if request.product_ids != tuple([line.product_id for line in offer.lines]):
        raise Problem("order_mismatch")
    if abs(request.timestamp - now.timestamp()) > MAX_SKEW_SECONDS:
        off = request.timestamp - round(now.timestamp())
        raise Problem("timestamp_skew", why=f"{off} seconds off", serverTime=rfc3339(now))
    message = string_to_sign(
        session.cust_id,
        request.nonce,
        request.order_token,
        request.product_ids,
        request.sign_type,
        request.timestamp,
    )
    if request.sign_type != session.sign_type:
        raise Problem("sign_invalid", why=f"signed with {request.sign_type}, the session's type is {session.sign_type}")
    if not verifies(request.sign, message, session.sign_type, session.sign_key, session.public_key):
        raise Problem("sign_invalid", why="the signature does not verify")


def _explained(problem: Problem) -> Problem:
    """The ledger tells why a voucher cannot be used by code alone; answers have a sentence, too."""
    if problem.code != "voucher_unusable":
        return problem
    reasons = {voucher_id: Reason(code) for voucher_id, code in problem.members["reasons"].items()}
    return Problem("voucher_unusable", **unusable(reasons))


def _command(offer: Offer) -> Pay:
    return Pay(
        customer=offer.customer,
        session_id=offer.session_id,
        order_id=offer.order_id,
        currency=offer.currency,
        lines=offer.lines,
        vouchers=offer.vouchers,
        subtotal=offer.subtotal,
        discount=offer.discount,
        total=offer.total,
        expires_at=offer.expires_at,
        transfers=offer.transfers,
    )


def _answer(done: Done) -> PaymentAnswer:
    order = done.record
    assert isinstance(order, Order), "a payment is answered with its order"
    return PaymentAnswer(
        order_id=order.order_id,
        status="paid",
        currency=order.currency,
        paid=order.total,
        balance=order.balance,
        paid_at=order.paid_at,
        entitlements=[GrantedRight(line.product_id, order.paid_at) for line in order.lines],
    )
