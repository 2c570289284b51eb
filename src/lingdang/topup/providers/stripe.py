"""Stripe Checkout: a page of Stripe's that the reader is sent to, and events that tell what became of it.

The library verifies an event's signature. Its age in both directions, the account, live or test mode and what the event
means are checked here.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

import msgspec
import stripe
from msgspec import Meta

from lingdang.ids import ruled
from lingdang.topup.money import Money
from lingdang.topup.providers.checks import asked_now, check_time, decode, made_at, our_number, read_seconds, text_of
from lingdang.topup.providers.provider import (
    Action,
    Begun,
    Channel,
    Forged,
    GivenBack,
    Listing,
    Notification,
    NotificationReply,
    Order,
    Refused,
    Standing,
)
from lingdang.topup.providers.stripe_amounts import to_stripe
from lingdang.topup.providers.stripe_client import StripeApi
from lingdang.topup.providers.stripe_objects import Charge, Dispute, Event, Intent, Kind, Refund, Session
from lingdang.topup.providers.stripe_standing import TOPUP, moment, of_charge, of_intent, of_page

_REFUND = "refundId"
_FAILED, _PENDING = frozenset({"failed", "canceled"}), frozenset({"pending", "requires_action"})
"""Statuses of a refund."""
_BEGUN_WITHIN = timedelta(hours=1)
"""So long after a top-up was made its page may still be opened."""

Secret = Annotated[str, Meta(min_length=16)]


class Account(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An account at Stripe. The key's prefix says whether its money is real."""

    secret_key: Annotated[
        str,
        Meta(
            pattern=ruled(
                r"^(sk|rk)_(live|test)_[A-Za-z0-9_]+\Z",
                "a key of Stripe, which begins with sk_live_, rk_live_, sk_test_ or rk_test_",
            )
        ),
    ]
    webhook_secret: Secret
    """The endpoint's `whsec_…`."""
    webhook_secret_before: Secret | None = None
    """The one before, while it is rolled."""
    account_id: str | None = None
    """`acct_…`, where the endpoint listens to a connected account."""
    api: str = "https://api.stripe.com"

    @property
    def live(self) -> bool:
        """Whether its payments move real money."""
        return "_live_" in self.secret_key[:8]


def make(account: Account) -> "Stripe":
    """The provider of this account."""
    return Stripe(account)


class Stripe:
    """One account. A payment's reference is its page's `cs_…` until somebody pays, then `pi_…`."""

    kind = "stripe"
    channels: Sequence[Channel] = ("web",)
    currencies: Sequence[str] | None = None
    listing = Listing(ready=timedelta(hours=1))

    def __init__(self, account: Account) -> None:
        self._account = account
        self._api = StripeApi(account.secret_key, account.api, account.account_id)

    def begin(self, order: Order) -> Begun:
        """Its page stays open for a day, or until it is closed: Stripe takes no end that is near."""
        if order.return_url is None:
            raise Refused("return_url")
        mark = {TOPUP: str(order.topup_id)}
        price = {"currency": order.price.currency.lower(), "unit_amount": to_stripe(order.price)}
        session = self._api.post(
            "/v1/checkout/sessions",
            Session,
            mode="payment",
            line_items=[{"quantity": 1, "price_data": {**price, "product_data": {"name": order.name}}}],
            client_reference_id=str(order.topup_id),
            metadata=mark,
            payment_intent_data={"metadata": mark},
            adaptive_pricing={"enabled": False},  # the payer pays in the currency that was agreed
            success_url=order.return_url,
            cancel_url=order.return_url,
            idempotency_key=f"begin-{order.topup_id}",
        )
        return Begun(action=Action(kind="redirect", url=session.url), reference=session.id)

    def read(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Notification:
        text = text_of(body)
        self._verify(headers.get("stripe-signature", ""), text, now)
        event = decode(body, Event)
        if event.object != "event":
            raise Forged("unreadable: no event")
        standing, ask = self._told(event)
        if standing is not None:
            standing = msgspec.structs.replace(standing, differs=self._differs(event))
        return Notification(id=event.id, type=event.type, at=moment(event.created), standing=standing, ask=ask)

    def reply(self, accepted: bool) -> NotificationReply:
        """Any 2xx ends it; Stripe tries again for three days."""
        return NotificationReply(200 if accepted else 400)

    def ask(self, topup_id: UUID, reference: str | None) -> Standing | None:
        if reference is not None and reference.startswith("pi_"):
            return self._payment(reference)
        at = asked_now()
        session = self._session(topup_id, reference)
        return None if session is None else self._of_session(session, at)

    def close(self, topup_id: UUID, reference: str | None) -> Standing | None:
        at = asked_now()
        session = self._session(topup_id, reference)
        if session is None:
            return None
        if session.status == "open":
            try:
                session = self._api.post(f"/v1/checkout/sessions/{session.id}/expire", Session)
            except Refused:  # somebody was faster
                session = self._api.get(f"/v1/checkout/sessions/{session.id}", Session)
        return self._of_session(session, at)

    def refund(self, topup_id: UUID, reference: str, refund_id: str, amount: Money, received: Money) -> GivenBack:
        """Stripe forgets an idempotency key after a day, so its list is looked at first."""
        made = self._made(reference, refund_id)
        if made is None:
            made = self._api.post(
                "/v1/refunds",
                Refund,
                payment_intent=reference,
                amount=to_stripe(amount),
                metadata={TOPUP: str(topup_id), _REFUND: refund_id},
                idempotency_key=f"refund-{topup_id}-{refund_id}",
            )
        standing = self._payment(reference)
        if standing is None:
            raise Refused("resource_missing")
        # Its state is read after the sum: of what fails between, an event tells later.
        made = self._made(reference, refund_id) or made
        failed = made.status in _FAILED
        state: Literal["pending", "done"] = "pending" if made.status in _PENDING else "done"
        return GivenBack(
            standing=standing,
            state="failed" if failed else state,
            reason=made.failure_reason or made.status if failed else None,
        )

    def list_day(self, day: date) -> Iterator[Standing]:
        """Days are UTC's. What others sell through the same account is passed over."""
        start = datetime(day.year, day.month, day.day, tzinfo=UTC)
        created = {"gte": int(start.timestamp()), "lt": int((start + timedelta(days=1)).timestamp())}
        seen, at = set[str | None](), asked_now()
        for charge in self._api.all("/v1/charges", Charge, created=created):
            disputes = self._disputes(charge.payment_intent) if charge.disputed else ()
            standing = of_charge(charge, disputes, at)
            if standing is not None:
                seen.add(standing.reference)
                yield standing
        for reference in self._returned(created):
            if reference not in seen:
                seen.add(reference)
                standing = self._payment(reference)
                if standing is not None and standing.topup_id is not None:
                    yield standing

    def _verify(self, header: str, text: str, now: datetime) -> None:
        # The library's reading of the header: the first `t` is the one that is signed.
        signed_at = next((item[2:] for item in header.split(",") if item.startswith("t=")), None)
        if signed_at is None or not header.isascii():  # the library's comparison raises TypeError for other letters
            raise Forged("signature: none")
        at = read_seconds(signed_at)
        secrets = (self._account.webhook_secret, self._account.webhook_secret_before)
        if not any(secret is not None and _signed(text, header, secret) for secret in secrets):
            raise Forged("signature")
        check_time(moment(at), now)

    def _differs(self, event: Event) -> Sequence[str]:
        differs = []
        if event.account != self._account.account_id:
            differs.append("merchant")
        if event.livemode != self._account.live:
            differs.append("environment")
        return tuple(differs)

    def _told(self, event: Event) -> tuple[Standing | None, bool]:
        """What an event's object says, and whether only Stripe can say the rest."""
        raw = event.data.object
        match decode(raw, Kind).object:
            case "checkout.session":
                session = decode(raw, Session)
                if our_number(session.client_reference_id) is None:
                    return None, False
                unpaid = session.status == "complete" and session.payment_status == "unpaid"
                return of_page(session, moment(event.created)), unpaid
            case "charge":
                return of_charge(decode(raw, Charge), None, moment(event.created)), False
            case "dispute":
                return _somewhere(decode(raw, Dispute).payment_intent, event)
            case "refund":
                return _somewhere(decode(raw, Refund).payment_intent, event)
        return None, False

    def _made(self, reference: str, refund_id: str) -> Refund | None:
        refunds = self._api.all("/v1/refunds", Refund, payment_intent=reference)
        return next((each for each in refunds if (each.metadata or {}).get(_REFUND) == refund_id), None)

    def _session(self, topup_id: UUID, reference: str | None) -> Session | None:
        if reference is not None and reference.startswith("cs_"):
            return self._api.find(f"/v1/checkout/sessions/{reference}", Session)
        if reference is not None:
            return next(self._api.all("/v1/checkout/sessions", Session, payment_intent=reference), None)
        made = made_at(topup_id)
        created = {"gte": int(made.timestamp()) - 300, "lt": int((made + _BEGUN_WITHIN).timestamp())}
        sessions = self._api.all("/v1/checkout/sessions", Session, created=created)
        return next((session for session in sessions if session.client_reference_id == str(topup_id)), None)

    def _of_session(self, session: Session, at: datetime) -> Standing:
        if session.payment_intent is not None:
            standing = self._payment(session.payment_intent, over=session.status != "open")
            if standing is not None:
                return standing
        return of_page(session, at)

    def _payment(self, reference: str, over: bool = False) -> Standing | None:
        at = asked_now()
        intent = self._api.find(f"/v1/payment_intents/{reference}", Intent, expand=["latest_charge"])
        return None if intent is None else of_intent(intent, self._disputes(reference), over, at)

    def _disputes(self, reference: str | None) -> Sequence[Dispute]:
        return tuple(self._api.all("/v1/disputes", Dispute, payment_intent=reference)) if reference else ()

    def _returned(self, created: Mapping[str, int]) -> Iterator[str]:
        for refund in self._api.all("/v1/refunds", Refund, created=created):
            if refund.payment_intent is not None:
                yield refund.payment_intent
        for dispute in self._api.all("/v1/disputes", Dispute, created=created):
            if dispute.payment_intent is not None:
                yield dispute.payment_intent


def _signed(text: str, header: str, secret: str) -> bool:
    try:
        # Its tolerance looks into the past alone, and at a clock of its own.
        return bool(stripe.WebhookSignature.verify_header(text, header, secret, tolerance=None))
    except stripe.SignatureVerificationError:
        return False


def _somewhere(reference: str | None, event: Event) -> tuple[Standing | None, bool]:
    """Refunds and disputes tell of themselves alone, and may come late: Stripe is asked for the sums."""
    if reference is None:
        return None, False
    at = moment(event.created)
    return Standing(topup_id=None, reference=reference, state="paid", at=at, test=not event.livemode), True
