"""Google Play: purchases in an app. The app shows a purchase token, and Google tells when something changed.

A notification tells nothing but which purchase it is about, so how that stands is asked for at once.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

import msgspec
from msgspec import Meta

from lingdang.ids import ruled
from lingdang.topup.money import Money
from lingdang.topup.providers.checks import asked_now, check_time, decode, our_number, text_of
from lingdang.topup.providers.google_client import GoogleApi
from lingdang.topup.providers.google_objects import PlayOrder, Purchase, Push, Told, VoidedList
from lingdang.topup.providers.google_push import Pushes
from lingdang.topup.providers.google_standing import of_purchase
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
    Unavailable,
)

_OLDEST = timedelta(days=8)
"""Pub/Sub keeps a message for seven days."""
_ONCE = 2
"""The type of what is bought once, among purchases whose money went back."""
_TOKEN_LETTERS = 1024


class Account(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An app in Google Play, a service account for its API, and the subscription that pushes its notifications."""

    package_name: Annotated[
        str, Meta(pattern=ruled(r"^[A-Za-z][A-Za-z0-9_.]{1,149}\Z", "an app's package, com.example.books"))
    ]
    service_account: Annotated[
        str, Meta(pattern=ruled(r"^\s*\{", "the text of the key's JSON file; service_account_file names the file"))
    ]
    """Its key, the JSON file."""
    subscription: Annotated[
        str, Meta(pattern=ruled(r"^projects/[^/\s]+/subscriptions/[^/\s]+\Z", "projects/…/subscriptions/…"))
    ]
    push_audience: Annotated[str, Meta(min_length=1)]
    push_email: Annotated[str, Meta(min_length=3)]
    """Of the service account in whose name Pub/Sub pushes."""
    api: str = "https://androidpublisher.googleapis.com"
    certificates: str = "https://www.googleapis.com/oauth2/v1/certs"


def make(account: Account) -> "Google":
    """The provider of this account. Raises ValueError for a key that is none."""
    return Google(account)


class Google:
    """One app. A purchase's reference is its purchase token."""

    kind = "google"
    channels: Sequence[Channel] = ("store",)
    currencies: Sequence[str] | None = None
    listing = Listing(ready=timedelta(hours=1), whole=False)

    def __init__(self, account: Account) -> None:
        self._account = account
        self._api = GoogleApi(account.service_account, account.package_name, account.api)
        self._pushes = Pushes(
            account.push_audience, account.push_email, lambda: self._api.certificates(account.certificates)
        )

    def begin(self, order: Order) -> Begun:
        if order.store_product is None:
            raise Refused("store_product")
        params = {"productId": order.store_product, "obfuscatedAccountId": str(order.topup_id)}
        return Begun(action=Action(kind="store", params=params))

    def read(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Notification:
        text = text_of(body)
        self._pushes.check(headers.get("authorization", ""), now)
        push = decode(text, Push)
        if push.subscription != self._account.subscription:
            raise Forged("subscription")
        told = _told(push.message.data)
        at = datetime.fromtimestamp(told.eventTimeMillis / 1000, UTC)
        check_time(at, now, _OLDEST)
        if told.packageName != self._account.package_name:
            raise Forged("app")
        return self._notification(push.message.messageId, told, at)

    def reply(self, accepted: bool) -> NotificationReply:
        """After anything but 2xx Pub/Sub pushes again, for seven days."""
        return NotificationReply(204 if accepted else 500)

    def ask(self, topup_id: UUID, reference: str | None) -> Standing | None:
        """Google knows purchases by their token alone."""
        if reference is None:
            return None
        at = asked_now()
        purchase = self._purchase(reference)
        return None if purchase is None else of_purchase(reference, purchase, self._order(purchase), at)

    def close(self, topup_id: UUID, reference: str | None) -> Standing | None:
        """Nothing waits at Google that could be closed."""
        return self.ask(topup_id, reference)

    def refund(self, topup_id: UUID, reference: str, refund_id: str, amount: Money, received: Money) -> GivenBack:
        """Whole orders alone, which makes it idempotent: what went back goes back no more."""
        if amount != received:
            raise Refused("part")
        purchase = self._purchase(reference)
        if purchase is None or purchase.orderId is None:
            raise Refused("unknown")
        standing = self.ask(topup_id, reference)
        if standing is not None and not standing.refunded:
            self._api.post(f"/orders/{_part(purchase.orderId)}:refund")
            standing = self.ask(topup_id, reference)
        if standing is None or not standing.refunded:
            raise Unavailable("not refunded yet")
        return GivenBack(standing=standing)

    def list_day(self, day: date) -> Iterator[Standing]:
        """Purchases whose money went back on a day (UTC's). Google has no list of those that were paid."""
        start = datetime(day.year, day.month, day.day, tzinfo=UTC)
        end = min(start + timedelta(days=1), datetime.now(UTC))
        span = {"startTime": _millis(start), "endTime": _millis(end), "type": "0"}
        token: str | None = ""
        while token is not None:
            page = self._api.get(
                "/purchases/voidedpurchases", VoidedList, **span, **({"token": token} if token else {})
            )
            for voided in () if page is None else page.voidedPurchases:
                standing = self.ask(UUID(int=0), voided.purchaseToken)
                if standing is not None:
                    yield standing
            token = None if page is None else page.tokenPagination.nextPageToken

    def purchase(self, proof: str, now: datetime) -> Standing:
        """A token is only a name: all that counts is what Google says of it."""
        if not proof or len(proof) > _TOKEN_LETTERS or not proof.isascii():
            raise Forged("unreadable: no purchase token")
        standing = self.ask(UUID(int=0), proof)
        if standing is None:
            raise Forged("unknown: Google has no such purchase")
        return standing

    def finish(self, reference: str) -> None:
        """Consume it: that acknowledges it too, and lets the product be bought again."""
        purchase = self._purchase(reference)
        for line in () if purchase is None else purchase.productLineItem:
            if line.productOfferDetails.consumptionState != "CONSUMPTION_STATE_CONSUMED":
                self._api.post(f"/purchases/products/{_part(line.productId)}/tokens/{_part(reference)}:consume")

    def tell_consumed(self, evidence: str, consumed: int) -> None:
        order_id, _, token = evidence.partition(":")
        preference = "DECLINE" if consumed else "NEUTRAL"
        content = {
            "pendingRefundToken": token,
            "sampleContentProvided": False,
            "refundPreference": preference,
            "consumptionPercentageMilliunits": consumed,
        }
        self._api.post(f"/orders/{_part(order_id)}:reviewrefund", content)

    def _notification(self, name: str, told: Told, at: datetime) -> Notification:
        if told.oneTimeProductNotification is not None:
            return self._about(name, "oneTimeProduct", told.oneTimeProductNotification.purchaseToken, at)
        voided = told.voidedPurchaseNotification
        if voided is not None and voided.productType == _ONCE:
            return self._about(name, "voidedPurchase", voided.purchaseToken, at)
        review = told.pendingRefundReviewNotification
        number = None if review is None else our_number(review.obfuscatedAccountId)
        if review is not None and number is not None:
            standing = Standing(topup_id=number, reference=None, state="open", at=at)
            evidence = f"{review.orderId}:{review.pendingRefundToken}"
            return Notification(id=name, type="pendingRefundReview", at=at, standing=standing, evidence=evidence)
        return Notification(id=name, type="other", at=at)

    def _about(self, name: str, kind: str, token: str, at: datetime) -> Notification:
        """Nothing is told of a purchase but its token, which we may not know yet: only Google can say whose it is.

        Raises Unavailable until it does, so that Pub/Sub pushes again.
        """
        try:
            standing = self.ask(UUID(int=0), token)
        except Refused:
            standing = Standing(topup_id=None, reference=token, state="open", at=at)
            return Notification(id=name, type=kind, at=at, standing=standing, ask=True)
        if standing is None:
            raise Unavailable("unknown")
        return Notification(id=name, type=kind, at=at, standing=standing)

    def _order(self, purchase: Purchase) -> PlayOrder | None:
        """The order of a purchase; None where it has none, as promotions, or waits to be paid.

        Raises Unavailable where Google does not find the order that it names: nobody knows then what came back.
        """
        if purchase.orderId is None or purchase.is_waiting:
            return None
        order = self._api.get(f"/orders/{_part(purchase.orderId)}", PlayOrder)
        if order is None:
            raise Unavailable("order")
        return order

    def _purchase(self, token: str) -> Purchase | None:
        return self._api.get(f"/purchases/productsv2/tokens/{_part(token)}", Purchase)


def _told(data: str) -> Told:
    try:
        content = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Forged(f"unreadable: {error}") from None
    try:
        return msgspec.json.decode(content, type=Told, strict=False)  # its times are texts, or are not
    except (msgspec.DecodeError, RecursionError) as error:
        raise Forged(f"unreadable: {error}") from None


def _part(text: str) -> str:
    return quote(text, safe="")


def _millis(at: datetime) -> str:
    return str(int(at.timestamp() * 1000))
