"""The types of events, and what each tells. A type is added here, and told in telling.py or written as a notice."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from lingdang.events.event import Data
from lingdang.ledger import (
    adjusting,
    book,
    crediting,
    granting,
    paying,
    redeeming,
    refunding,
    reversing,
    taken,
    topping_up,
)
from lingdang.ledger.lots import LotKind
from lingdang.ledger.refunding import By

DebtPaid = Annotated[int, Meta(description="Of the bells that came, those that paid a debt; they are in no lot.")]


class LotChange(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, gc=False):
    """How many bells went into (+) or came from (−) one lot."""

    kind: LotKind
    amount: int
    expires_at: datetime | None = None


class PaidLine(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, gc=False):
    """One product of an order."""

    product_id: str
    title: str
    list_price: int
    price: int
    discount: int
    payable: int
    publisher: str | None = None


class SavedVoucher(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """A voucher that an order used up, and what it saved."""

    voucher_id: str
    saves: int


class ReturnedLine(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """A product whose bells went back."""

    product_id: str
    amount: int


class OrderPaid(Data, frozen=True, rename="camel", kw_only=True, gc=False):
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


class OrderRefunded(Data, frozen=True, rename="camel", omit_defaults=True, kw_only=True, gc=False):
    """An order, or some of its lines, was given back. Of `refunded` bells `lapsed` ones came into no lot."""

    refund_id: str
    order_id: str
    by: By
    reason: str
    currency: str
    refunded: int
    lapsed: int
    debt_paid: DebtPaid = 0
    balance: int
    lines: list[ReturnedLine]
    vouchers: list[str]
    lots: list[LotChange]
    revoked: list[str]


class PricePaid(msgspec.Struct, frozen=True, gc=False):
    """Real money."""

    amount: Annotated[int, Meta(description="Whole minor units: fen, cents, yen.")]
    currency: Annotated[str, Meta(description="By its ISO 4217 code.")]


class WalletCredited(Data, frozen=True, rename="camel", omit_defaults=True, kw_only=True, gc=False):
    """Bells were added: by an operator (`creditId`, `reason`, `kind`), for money (`topupId`, `provider`, `price`) or
    for a gift code (`giftId`, `campaign`).

    `expires_at` is what was asked, of a top-up's bonus; the lot that they lie in says when they lapse. Nobody has
    paid for the bells of a `test`.
    """

    origin: Literal["operator", "top-up", "code"]
    credit_id: str | None = None
    topup_id: str | None = None
    gift_id: Annotated[str | None, Meta(description="A hash of the code.")] = None
    reason: str | None = None
    currency: str
    amount: int
    debt_paid: DebtPaid = 0
    balance: int
    kind: LotKind | None = None
    expires_at: datetime | None = None
    lots: list[LotChange]
    provider: str | None = None
    price: Annotated[PricePaid | None, Meta(description="The money that was paid for them.")] = None
    test: bool = False
    campaign: Annotated[str | None, Meta(description="Of which campaign the code was.")] = None


class WalletExpired(Data, frozen=True, rename="camel", kw_only=True, gc=False):
    """Bells lapsed and were booked out."""

    currency: str
    amount: int
    balance: int
    lots: list[LotChange]


class WalletAdjusted(Data, frozen=True, rename="camel", omit_defaults=True, kw_only=True, gc=False):
    """An operator corrected a balance."""

    adjustment_id: str
    reason: str
    currency: str
    amount: int
    debt_paid: DebtPaid = 0
    balance: int
    lots: list[LotChange]


class WalletTakenBack(Data, frozen=True, rename="camel", omit_defaults=True, kw_only=True, gc=False):
    """Bells were taken back: a credit's (`creditId`), out of its own lot, or those of a top-up (`topupId`) whose money
    went back: `amount` came out of the wallet, `fromFrozen` had been frozen, `debtAdded` was spent and is owed.
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


class WalletFrozen(Data, frozen=True, rename="camel", kw_only=True, gc=False):
    """What is left of a top-up cannot be spent while its payment is disputed."""

    topup_id: str
    reason: str
    currency: str
    amount: int
    balance: int
    lots: list[LotChange]


class WalletReleased(Data, frozen=True, rename="camel", omit_defaults=True, kw_only=True, gc=False):
    """Bells of a top-up came back: its dispute was won (`frozen`), or its refund was reversed (`taken-back`)."""

    topup_id: str
    origin: Annotated[Literal["frozen", "taken-back"], Meta(description="Where they had been.")]
    reason: str
    currency: str
    amount: int
    debt_paid: DebtPaid = 0
    balance: int
    lots: list[LotChange]


class EntitlementGranted(Data, frozen=True, rename="camel", kw_only=True, gc=False):
    """A right was given without a payment."""

    grant_id: str
    product_id: str
    reason: str


class EntitlementRevoked(Data, frozen=True, rename="camel", kw_only=True, gc=False):
    """A right that was given without a payment ended."""

    revocation_id: str
    product_id: str
    reason: str


class WalletLow(Data, frozen=True, rename="camel", kw_only=True, gc=False):
    """A balance fell below the threshold of its currency. It belongs to the event of the same position before it."""

    currency: str
    balance: int
    threshold: int


class WalletExpiring(Data, frozen=True, rename="camel", kw_only=True, gc=False):
    """Bells of a lot will lapse soon unless they are spent. Told once of a lot, with what it held then."""

    currency: str
    kind: LotKind
    amount: int
    expires_at: datetime


class RealMoney(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """Real money in minor units."""

    amount: int
    currency: str


class TopupTold(Data, frozen=True, rename="camel", omit_defaults=True, kw_only=True, gc=False):
    """A top-up that failed, expired, is disputed or in review: for what price, what was received, and what differs."""

    topup_id: str
    package_id: str
    provider: str
    price: RealMoney
    received: RealMoney | None = None
    disputed: int = 0
    differs: tuple[str, ...] = ()


class EndpointPaused(Data, frozen=True, rename="camel", kw_only=True, gc=False):
    """Deliveries to an endpoint of webhooks ended; it keeps its position."""

    endpoint_id: str
    reason: str


class FeedReset(Data, frozen=True, rename="camel", kw_only=True, gc=False):
    """A restore lost what stood behind `last_true`: drop what you know that is later. What is true comes again."""

    last_true: str


KINDS: Mapping[str, tuple[str, type[Data]]] = {
    paying.KIND: ("order.paid", OrderPaid),
    refunding.KIND: ("order.refunded", OrderRefunded),
    crediting.KIND: ("wallet.credited", WalletCredited),
    topping_up.KIND: ("wallet.credited", WalletCredited),
    redeeming.KIND: ("wallet.credited", WalletCredited),
    book.EXPIRY: ("wallet.expired", WalletExpired),
    adjusting.KIND: ("wallet.adjusted", WalletAdjusted),
    reversing.KIND: ("wallet.taken_back", WalletTakenBack),
    taken.TAKEBACK: ("wallet.taken_back", WalletTakenBack),
    taken.GIVEBACK: ("wallet.released", WalletReleased),
    taken.FREEZE: ("wallet.frozen", WalletFrozen),
    taken.RELEASE: ("wallet.released", WalletReleased),
    granting.GRANT: ("entitlement.granted", EntitlementGranted),
    granting.REVOCATION: ("entitlement.revoked", EntitlementRevoked),
}
"""By the kind of a row of the journal: the type of its event, and what that tells. These events carry a `seq`."""

LOW = "wallet.low"

EXPIRING, PAUSED, RESET = "wallet.expiring", "endpoint.paused", "feed.reset"
TOPUP_FAILED, TOPUP_EXPIRED = "topup.failed", "topup.expired"
TOPUP_DISPUTED, TOPUP_REVIEW = "topup.disputed", "topup.review"

NOTICES: Mapping[str, type[Data]] = {
    EXPIRING: WalletExpiring,
    PAUSED: EndpointPaused,
    RESET: FeedReset,
    **dict.fromkeys((TOPUP_FAILED, TOPUP_EXPIRED, TOPUP_DISPUTED, TOPUP_REVIEW), TopupTold),
}
"""Types that are no row of the journal, but a notice of their own."""

TYPES: Mapping[str, type[Data]] = {**dict(KINDS.values()), LOW: WalletLow, **NOTICES}
"""Every type with what it tells."""
