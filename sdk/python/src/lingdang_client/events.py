"""Events: what the shop tells a platform's servers. Amounts are whole bells, times are aware."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, cast

import msgspec

from lingdang_client.answers import Answer

LotKind = Literal["paid", "bonus"]


class LotChange(Answer, frozen=True, kw_only=True, rename="camel"):
    """How many bells went into (+) or came from (−) one lot."""

    kind: LotKind
    amount: int
    expires_at: datetime | None = None


class PaidLine(Answer, frozen=True, kw_only=True, rename="camel"):
    """One product of an order that was paid."""

    product_id: str
    title: str
    list_price: int
    price: int
    payable: int
    discount: int = 0
    publisher: str | None = None


class SavedVoucher(Answer, frozen=True, kw_only=True, rename="camel"):
    """A voucher that an order used up, and what it saved."""

    voucher_id: str
    saves: int


class ReturnedLine(Answer, frozen=True, kw_only=True, rename="camel"):
    """A product whose bells went back."""

    product_id: str
    amount: int


class OrderPaid(Answer, frozen=True, kw_only=True, rename="camel"):
    """An order was paid: its bells were taken, its vouchers used up, its products granted."""

    order_id: str
    currency: str
    subtotal: int
    discount: int
    total: int
    balance: int
    lines: list[PaidLine]
    vouchers: list[SavedVoucher]
    lots: list[LotChange]
    granted: list[str]


class OrderRefunded(Answer, frozen=True, kw_only=True, rename="camel"):
    """An order, or some of its lines, was given back. Of `refunded` bells `lapsed` ones came into no lot."""

    refund_id: str
    order_id: str
    by: Literal["operator", "customer"]
    reason: str
    currency: str
    refunded: int
    lapsed: int
    debt_paid: int = 0
    balance: int
    lines: list[ReturnedLine]
    vouchers: list[str]
    lots: list[LotChange]
    revoked: list[str]


class PricePaid(Answer, frozen=True):
    """Real money in whole minor units, and its currency's ISO 4217 code."""

    amount: int
    currency: str


class WalletCredited(Answer, frozen=True, kw_only=True, rename="camel"):
    """Bells were added: by an `operator`, for money (`top-up`), for a gift `code`, or as `origin` says.

    Of `amount` bells `debt_paid` ones paid a debt.
    """

    origin: str
    credit_id: str | None = None
    topup_id: str | None = None
    gift_id: str | None = None
    reason: str | None = None
    currency: str
    amount: int
    debt_paid: int = 0
    balance: int
    kind: LotKind | None = None
    expires_at: datetime | None = None
    lots: list[LotChange]
    provider: str | None = None
    price: PricePaid | None = None
    test: bool = False
    campaign: str | None = None


class WalletExpired(Answer, frozen=True, kw_only=True, rename="camel"):
    """Bells lapsed and were booked out."""

    currency: str
    amount: int
    balance: int
    lots: list[LotChange]


class WalletAdjusted(Answer, frozen=True, kw_only=True, rename="camel"):
    """An operator corrected a balance."""

    adjustment_id: str
    reason: str
    currency: str
    amount: int
    debt_paid: int = 0
    balance: int
    lots: list[LotChange]


class WalletTakenBack(Answer, frozen=True, kw_only=True, rename="camel"):
    """Bells of a credit, or of a top-up whose money went back, were taken back.

    `amount` came out of the wallet, `from_frozen` had been frozen, `debt_added` was spent and is owed.
    """

    credit_id: str | None = None
    topup_id: str | None = None
    reason: str
    currency: str
    amount: int
    from_frozen: int = 0
    debt_added: int = 0
    balance: int
    lots: list[LotChange]


class WalletFrozen(Answer, frozen=True, kw_only=True, rename="camel"):
    """What is left of a top-up cannot be spent while its payment is disputed."""

    topup_id: str
    reason: str
    currency: str
    amount: int
    balance: int
    lots: list[LotChange]


class WalletReleased(Answer, frozen=True, kw_only=True, rename="camel"):
    """Bells of a top-up came back that had been `frozen` or `taken-back`."""

    topup_id: str
    origin: str
    reason: str
    currency: str
    amount: int
    debt_paid: int = 0
    balance: int
    lots: list[LotChange]


class EntitlementGranted(Answer, frozen=True, kw_only=True, rename="camel"):
    """A right was given without a payment."""

    grant_id: str
    product_id: str
    reason: str


class EntitlementRevoked(Answer, frozen=True, kw_only=True, rename="camel"):
    """A right that was given without a payment ended."""

    revocation_id: str
    product_id: str
    reason: str


class WalletLow(Answer, frozen=True, kw_only=True, rename="camel"):
    """A balance fell below the threshold of its currency."""

    currency: str
    balance: int
    threshold: int


class WalletExpiring(Answer, frozen=True, kw_only=True, rename="camel"):
    """Bells of a lot will lapse soon unless they are spent."""

    currency: str
    kind: LotKind
    amount: int
    expires_at: datetime


class RealMoney(Answer, frozen=True, kw_only=True, rename="camel"):
    """Real money in minor units."""

    amount: int
    currency: str


class TopupTold(Answer, frozen=True, kw_only=True, rename="camel"):
    """A top-up that failed, expired, is disputed or in review: for what price, what was received, and what differs."""

    topup_id: str
    package_id: str
    provider: str
    price: RealMoney
    received: RealMoney | None = None
    disputed: int = 0
    differs: tuple[str, ...] = ()


class EndpointPaused(Answer, frozen=True, kw_only=True, rename="camel"):
    """Deliveries to an endpoint ended; it keeps its position."""

    endpoint_id: str
    reason: str


class FeedReset(Answer, frozen=True, kw_only=True, rename="camel"):
    """A restore lost what stood behind `last_true`: drop what you know that is later. What is true comes again."""

    last_true: str


class EndpointTest(Answer, frozen=True, kw_only=True, rename="camel"):
    """An operator tries an endpoint. It is no event of the feed, so it has no `position`."""

    endpoint_id: str


EventData = (
    OrderPaid
    | OrderRefunded
    | WalletCredited
    | WalletExpired
    | WalletAdjusted
    | WalletTakenBack
    | WalletFrozen
    | WalletReleased
    | EntitlementGranted
    | EntitlementRevoked
    | WalletLow
    | WalletExpiring
    | TopupTold
    | EndpointPaused
    | FeedReset
    | EndpointTest
)

TYPES: Mapping[str, type[EventData]] = {
    "order.paid": OrderPaid,
    "order.refunded": OrderRefunded,
    "wallet.credited": WalletCredited,
    "wallet.expired": WalletExpired,
    "wallet.adjusted": WalletAdjusted,
    "wallet.taken_back": WalletTakenBack,
    "wallet.frozen": WalletFrozen,
    "wallet.released": WalletReleased,
    "entitlement.granted": EntitlementGranted,
    "entitlement.revoked": EntitlementRevoked,
    "wallet.low": WalletLow,
    "wallet.expiring": WalletExpiring,
    "endpoint.paused": EndpointPaused,
    "topup.failed": TopupTold,
    "topup.expired": TopupTold,
    "topup.disputed": TopupTold,
    "topup.review": TopupTold,
    "feed.reset": FeedReset,
    "endpoint.test": EndpointTest,
}
"""By type, what its events tell."""


class Event(Answer, frozen=True, kw_only=True):
    """One fact. A repeat has the same `id`.

    `seq` counts a customer's events that are rows of the journal, without a gap. `data` is what events of this `type`
    tell, None from a thin endpoint, and a plain dict where a newer shop tells what this client does not know. Whoever
    was erased has no `cust_id`, and in its place `erased`, a name that nobody else has.
    """

    id: str
    type: str
    time: datetime
    position: str | None
    cust_id: str | None
    erased: str | None
    seq: int | None
    data: EventData | dict[str, Any] | None


class Told(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An event as it is sent, before what it tells is read."""

    id: str
    type: str
    time: datetime
    position: str | None = None
    cust_id: str | None = None
    erased: str | None = None
    seq: int | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")

    def read(self) -> Event:
        """The event. Raises msgspec.ValidationError for data that is no object."""
        return Event(
            id=self.id,
            type=self.type,
            time=self.time,
            position=self.position,
            cust_id=self.cust_id,
            erased=self.erased,
            seq=self.seq,
            data=self._tells(),
        )

    def _tells(self) -> EventData | dict[str, Any] | None:
        try:
            known: Any = TYPES[self.type]
            return cast("EventData | None", msgspec.json.decode(self.data, type=known | None))
        except (KeyError, msgspec.ValidationError):
            return msgspec.json.decode(self.data, type=dict[str, Any] | None)
