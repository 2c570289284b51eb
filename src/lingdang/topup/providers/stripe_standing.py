"""How a payment stands by what Stripe's objects say of it. Nothing here asks Stripe."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal

from lingdang.topup.money import Money
from lingdang.topup.providers.checks import our_number
from lingdang.topup.providers.provider import Standing
from lingdang.topup.providers.stripe_amounts import from_stripe
from lingdang.topup.providers.stripe_objects import Charge, Dispute, Intent, Session

TOPUP = "topupId"
"""The name of our number among the metadata."""
_HELD = frozenset({"needs_response", "under_review"})
"""Statuses of a dispute in which its money is held. An inquiry (`warning_…`) holds none."""
_OVER = frozenset({"requires_payment_method", "canceled"})
"""Statuses of a payment that failed: its page is complete and takes no other."""


def moment(seconds: int) -> datetime:
    """Stripe's times are Unix seconds."""
    return datetime.fromtimestamp(seconds, UTC)


def of_page(session: Session, at: datetime) -> Standing:
    """By the page of Checkout alone, before there is a payment or when an event tells of the page."""
    paid = session.status == "complete" and session.payment_status in ("paid", "no_payment_required")
    unpaid: Literal["open", "closed"] = "closed" if session.status == "expired" else "open"
    return Standing(
        topup_id=our_number(session.client_reference_id),
        reference=session.payment_intent or session.id,
        state="paid" if paid else unpaid,
        at=at,
        received=from_stripe(session.amount_total or 0, session.currency or "") if paid else None,
        test=not session.livemode,
    )


def of_charge(charge: Charge, disputes: Sequence[Dispute] | None, at: datetime) -> Standing | None:
    """By a charge and what is disputed of it, None where that is not known. None for a payment that is not ours."""
    ours = our_number(charge.metadata.get(TOPUP)) is not None
    if not ours or charge.status != "succeeded" or charge.payment_intent is None:
        return None
    return _taken(charge.payment_intent, charge.metadata, charge, disputes, at)


def of_intent(intent: Intent, disputes: Sequence[Dispute], over: bool, at: datetime) -> Standing:
    """By a payment; `over`: its page takes no other attempt."""
    if intent.status == "succeeded" and intent.latest_charge is not None:
        return _taken(intent.id, intent.metadata, intent.latest_charge, disputes, at)
    closed = intent.status == "canceled" or (over and intent.status in _OVER)
    return Standing(
        topup_id=our_number(intent.metadata.get(TOPUP)),
        reference=intent.id,
        state="closed" if closed else "open",
        at=at,
        test=not intent.livemode,
    )


def _taken(
    reference: str, metadata: Mapping[str, str], charge: Charge, disputes: Sequence[Dispute] | None, at: datetime
) -> Standing:
    received = from_stripe(charge.amount_captured, charge.currency)
    return Standing(
        topup_id=our_number(metadata.get(TOPUP)),
        reference=reference,
        state="paid",
        at=at,
        received=received,
        refunded=from_stripe(charge.amount_refunded, charge.currency).amount,
        disputed=None if disputes is None else _sum(disputes, _HELD, received),
        lost=None if disputes is None else _sum(disputes, {"lost"}, received),
        test=not charge.livemode,
    )


def _sum(disputes: Sequence[Dispute], statuses: Collection[str], received: Money) -> int:
    """The money of disputes in these statuses, at most what was received; one in another currency holds all of it."""
    held = 0
    for dispute in disputes:
        if dispute.status in statuses:
            money = from_stripe(dispute.amount, dispute.currency)
            held += money.amount if money.currency == received.currency else received.amount
    return min(held, received.amount)
