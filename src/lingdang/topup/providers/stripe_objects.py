"""What is used of Stripe's objects, by Stripe's names. Whatever else they have is passed over."""

from collections.abc import Mapping

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What a webhook is told. `account` is only in those of a connected account."""

    id: str
    object: str
    type: str
    created: int
    livemode: bool
    account: str | None = None
    data: "EventData"


class EventData(msgspec.Struct, frozen=True):
    """The object as it was when the event happened."""

    object: msgspec.Raw


class Kind(msgspec.Struct, frozen=True):
    """An object's type."""

    object: str


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A page of Checkout. `payment_intent` is None until somebody begins to pay."""

    id: str
    status: str | None
    payment_status: str
    livemode: bool
    amount_total: int | None = None
    currency: str | None = None
    client_reference_id: str | None = None
    payment_intent: str | None = None
    url: str | None = None


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """Money that was taken. Its metadata are the payment intent's; `amount_refunded` is the sum so far."""

    id: str
    status: str
    livemode: bool
    amount_captured: int
    amount_refunded: int
    currency: str
    disputed: bool = False
    payment_intent: str | None = None
    metadata: Mapping[str, str] = {}


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """A payment, with its last charge expanded."""

    id: str
    status: str
    livemode: bool
    amount_received: int = 0
    currency: str
    metadata: Mapping[str, str] = {}
    latest_charge: Charge | None = None


class Dispute(msgspec.Struct, frozen=True, kw_only=True):
    """A payer's bank asks for the money back."""

    id: str
    amount: int
    currency: str
    status: str
    payment_intent: str | None = None


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """Money that goes back. A failed one is counted out of the charge's sum."""

    id: str
    amount: int
    status: str | None = None
    failure_reason: str | None = None
    payment_intent: str | None = None
    metadata: Mapping[str, str] | None = None
