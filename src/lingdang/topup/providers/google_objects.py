"""What is used of Google Play's objects, by Google's names. Whatever else they have is passed over."""

from collections.abc import Sequence

import msgspec


class Push(msgspec.Struct, frozen=True):
    """What Pub/Sub sends. The message's `data` is base64 of a notification."""

    message: "Message"
    subscription: str


class Message(msgspec.Struct, frozen=True):
    """`messageId` is the same in repeats."""

    data: str
    messageId: str  # noqa: N815


class Purchased(msgspec.Struct, frozen=True):
    """A purchase was made, or one that waited was given up."""

    purchaseToken: str  # noqa: N815


class Voided(msgspec.Struct, frozen=True):
    """Money went back. Product type 2 is what is bought once."""

    purchaseToken: str  # noqa: N815
    productType: int = 2  # noqa: N815


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """A bank asks for the money back; Google asks, for 24 hours, how much was consumed."""

    pendingRefundToken: str  # noqa: N815
    orderId: str  # noqa: N815
    obfuscatedAccountId: str | None = None  # noqa: N815


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A notification: one of its members is there."""

    packageName: str  # noqa: N815
    eventTimeMillis: int  # noqa: N815
    oneTimeProductNotification: Purchased | None = None  # noqa: N815
    voidedPurchaseNotification: Voided | None = None  # noqa: N815
    pendingRefundReviewNotification: Review | None = None  # noqa: N815


class Offer(msgspec.Struct, frozen=True):
    """How many of a product were bought, and whether they were consumed."""

    quantity: int = 1
    consumptionState: str | None = None  # noqa: N815


class Line(msgspec.Struct, frozen=True):
    """One product of a purchase."""

    productId: str  # noqa: N815
    productOfferDetails: Offer = Offer()  # noqa: N815


class State(msgspec.Struct, frozen=True):
    """`PURCHASED`, `PENDING` or `CANCELLED`."""

    purchaseState: str = ""  # noqa: N815


class Purchase(msgspec.Struct, frozen=True, kw_only=True):
    """A purchase (ProductPurchaseV2). `testPurchaseContext` is there when no money moves."""

    productLineItem: Sequence[Line]  # noqa: N815
    purchaseStateContext: State = State()  # noqa: N815
    testPurchaseContext: dict[str, object] | None = None  # noqa: N815
    orderId: str | None = None  # noqa: N815
    obfuscatedExternalAccountId: str | None = None  # noqa: N815

    @property
    def is_waiting(self) -> bool:
        """Whether nobody has paid yet."""
        return self.purchaseStateContext.purchaseState == "PENDING"


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """Whole units and billionths. Google leaves out what is 0."""

    currencyCode: str  # noqa: N815
    units: int = 0
    nanos: int = 0


class RefundDetails(msgspec.Struct, frozen=True):
    """What a refund gave back."""

    total: Price


class PartialRefund(msgspec.Struct, frozen=True):
    """A refund of a part: asked for (`PENDING`) or done (`PROCESSED_SUCCESSFULLY`)."""

    state: str = ""
    refundDetails: RefundDetails | None = None  # noqa: N815


class History(msgspec.Struct, frozen=True):
    """What became of an order."""

    partialRefundEvents: Sequence[PartialRefund] = ()  # noqa: N815


class PlayOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order and what was paid for it, taxes included."""

    state: str
    total: Price | None = None
    orderHistory: History = History()  # noqa: N815


class VoidedPurchase(msgspec.Struct, frozen=True):
    """An item of the list of purchases whose money went back."""

    purchaseToken: str  # noqa: N815


class Pages(msgspec.Struct, frozen=True):
    """Where a list goes on."""

    nextPageToken: str | None = None  # noqa: N815


class VoidedList(msgspec.Struct, frozen=True):
    """One page of that list."""

    voidedPurchases: Sequence[VoidedPurchase] = ()  # noqa: N815
    tokenPagination: Pages = Pages()  # noqa: N815
