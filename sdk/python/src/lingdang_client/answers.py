"""The server's answers. Amounts are whole bells, times are aware; fields that a newer server adds are ignored."""

from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar

import msgspec

from lingdang_client.effects import Response
from lingdang_client.errors import UnreadableAnswer, refusal
from lingdang_client.secrecy import Discreet
from lingdang_client.signing import SignType

T = TypeVar("T")


class Answer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What all of them are."""


class Page(Answer, Generic[T], frozen=True, kw_only=True, rename="camel"):
    """A part of a list; `next_cursor` is None at the end."""

    items: list[T]
    next_cursor: str | None = None


class OpenedSession(Discreet, frozen=True, kw_only=True, rename="camel"):
    """A new session; `sign_key` is there for MD5 and HMAC-SHA256."""

    secrets: ClassVar[frozenset[str]] = frozenset({"session_token", "sign_key"})

    cust_id: str
    session_id: str
    session_token: str
    sign_type: SignType
    sign_key: str | None = None
    expires_at: datetime
    server_time: datetime


class CurrentSession(Answer, frozen=True, kw_only=True, rename="camel"):
    """The session as the server sees it."""

    cust_id: str
    session_id: str
    sign_type: SignType
    expires_at: datetime
    server_time: datetime | None = None


class Product(Answer, frozen=True, kw_only=True, rename="camel"):
    """What is sold. `available`: it can be bought now."""

    product_id: str
    title: str
    currency: str
    price: int
    list_price: int
    publisher: str | None = None
    intro: str = ""
    cover_url: str | None = None
    attributes: dict[str, Any] = {}
    available: bool = True


class CartItem(Answer, frozen=True, kw_only=True, rename="camel"):
    """A product in the cart, at its present price."""

    product_id: str
    title: str
    currency: str
    list_price: int
    price: int
    ticked: bool
    owned: bool
    available: bool


class Selected(Answer, frozen=True, kw_only=True, rename="camel"):
    """How many items are ticked and what they cost."""

    count: int
    total: int


class Ticked(Answer, frozen=True, kw_only=True, rename="camel"):
    """One item that was changed, and what is selected now."""

    item: CartItem
    selected: Selected


class Cart(Answer, frozen=True, kw_only=True, rename="camel"):
    """The whole cart."""

    items: list[CartItem]
    selected: Selected


class OfferLine(Answer, frozen=True, kw_only=True, rename="camel"):
    """One product of an offer: payable = price − discount."""

    product_id: str
    title: str
    intro: str = ""
    cover_url: str | None = None
    publisher: str | None = None
    list_price: int
    price: int
    discount: int
    payable: int


class VoucherReason(Answer, frozen=True, kw_only=True, rename="camel"):
    """Why a voucher is not used: a stable code and a sentence in English and Chinese, with the commonest figures."""

    code: str
    en: str
    zh: str
    missing: int | None = None
    required: int | None = None
    voucher_ids: tuple[str, ...] = ()


class OfferVoucher(Answer, frozen=True, kw_only=True, rename="camel"):
    """A voucher that the customer holds: whether it can be used here, else why not."""

    voucher_id: str
    coupon_id: str
    name: str
    kind: str
    usable: bool
    reason: VoucherReason | None = None
    saves: int
    applied: bool
    expires_at: datetime | None = None


class OfferWallet(Answer, frozen=True, kw_only=True, rename="camel"):
    """Whether the balance covers the offer."""

    balance: int
    sufficient: bool
    shortfall: int


class OfferSign(Answer, frozen=True, kw_only=True, rename="camel"):
    """How the payment is to be signed."""

    sign_type: SignType
    fields: list[str]


class Offer(Discreet, frozen=True, kw_only=True, rename="camel"):
    """What a checkout offers, payable until `expires_at`. `order_token` is opaque and is what pays."""

    secrets: ClassVar[frozenset[str]] = frozenset({"order_token"})

    order_id: str
    currency: str
    lines: list[OfferLine]
    subtotal: int
    discount: int
    total: int
    vouchers: tuple[OfferVoucher, ...] = ()
    wallet: OfferWallet
    order_token: str
    issued_at: datetime
    expires_at: datetime
    sign: OfferSign

    @property
    def product_ids(self) -> tuple[str, ...]:
        """The products in the order's own order."""
        return tuple(line.product_id for line in self.lines)


class Granted(Answer, frozen=True, kw_only=True, rename="camel"):
    """A right that a payment gave."""

    product_id: str
    granted_at: datetime


class Payment(Answer, frozen=True, kw_only=True, rename="camel"):
    """A paid order. `replayed`: it had been paid by an earlier sending, whose answer this is again."""

    order_id: str
    status: str
    currency: str
    paid: int
    balance: int
    paid_at: datetime
    entitlements: list[Granted]
    replayed: bool = False


class OrderLine(Answer, frozen=True, kw_only=True, rename="camel"):
    """One product as it was bought."""

    product_id: str
    title: str
    publisher: str | None = None
    list_price: int
    price: int
    discount: int
    payable: int


class UsedVoucher(Answer, frozen=True, kw_only=True, rename="camel"):
    """A voucher that an order used up."""

    voucher_id: str
    saves: int


class RefundedLine(Answer, frozen=True, kw_only=True, rename="camel"):
    """A refunded product, and what came back for it."""

    product_id: str
    amount: int


class Refund(Answer, frozen=True, kw_only=True, rename="camel"):
    """One refund of an order. `lapsed` of the `refunded` bells did not come back: they had lapsed.

    `by` is `operator` or `customer`: their refund ids are apart, so one order may have two refunds with the same id.
    """

    refund_id: str
    by: str
    refunded: int
    lapsed: int
    lines: list[RefundedLine]
    reason: str
    refunded_at: datetime


class RefundLot(Answer, frozen=True, kw_only=True, rename="camel"):
    """How much comes back into which `lot`: bells of one kind, and when they lapse."""

    lot: str
    kind: str
    amount: int
    expires_at: datetime | None = None


class Refundable(Answer, frozen=True, kw_only=True, rename="camel"):
    """What giving an order back would bring now, or the reasons against it: by product, or for the whole `order`.

    What of `amount` is in no lot would lapse at once (`lapsed`).
    """

    order_id: str
    refundable: bool
    amount: int
    lines: list[RefundedLine]
    lots: list[RefundLot]
    vouchers: list[str]
    reasons: dict[str, str]

    @property
    def lapsed(self) -> int:
        """How much of `amount` would not come back, as it has lapsed."""
        return self.amount - sum(lot.amount for lot in self.lots)


class Refunded(Answer, frozen=True, kw_only=True, rename="camel"):
    """A refund that was booked, and the balance right after it.

    What of `refunded` is in no lot lapsed at once (`lapsed`).
    """

    refund_id: str
    order_id: str
    currency: str
    refunded: int
    lines: list[RefundedLine]
    lots: list[RefundLot]
    vouchers: list[str]
    balance: int
    refunded_at: datetime

    @property
    def lapsed(self) -> int:
        """How much of `refunded` did not come back, as it had lapsed."""
        return self.refunded - sum(lot.amount for lot in self.lots)


class Order(Answer, frozen=True, kw_only=True, rename="camel"):
    """An order as it was bought: `paid`, `partly_refunded` or `refunded`. `balance` is the wallet's right after it."""

    order_id: str
    status: str
    currency: str
    subtotal: int
    discount: int
    total: int
    balance: int
    paid_at: datetime
    lines: list[OrderLine]
    vouchers: list[UsedVoucher] = []
    refunds: list[Refund] = []


class PastLine(Answer, frozen=True, kw_only=True, rename="camel"):
    """One thing of a past order. `product_id` is None where it had none."""

    title: str
    price: int
    payable: int
    product_id: str | None = None


class PastOrder(Answer, frozen=True, kw_only=True, rename="camel"):
    """An order of the system before. `currency` is a virtual one, or one of ISO 4217 in its minor units."""

    order_id: str
    status: str
    currency: str
    total: int
    paid_at: datetime
    lines: list[PastLine]


class Expiring(Answer, frozen=True, kw_only=True, rename="camel"):
    """Bells that lapse at a moment."""

    amount: int
    expires_at: datetime


class Balance(Answer, frozen=True, kw_only=True, rename="camel"):
    """One currency: balance = paid + bonus is what can be spent.

    `debt` is what is owed, and what comes in pays first; `frozen` are bells of a top-up whose payment is disputed.
    """

    currency: str
    balance: int
    paid: int
    bonus: int
    debt: int = 0
    frozen: int = 0
    expiring: list[Expiring] = []


class Wallet(Answer, frozen=True, kw_only=True, rename="camel"):
    """A customer's balances."""

    balances: list[Balance]


class Entry(Answer, frozen=True, kw_only=True, rename="camel"):
    """One movement of a wallet; `reference` is the order's or the credit's id, `balance` the balance after it."""

    currency: str
    seq: int
    kind: str
    reference: str
    amount: int
    balance: int
    at: datetime


class Entitlement(Answer, frozen=True, kw_only=True, rename="camel"):
    """The right to a product, by an order or by a grant."""

    product_id: str
    order_id: str | None = None
    grant_id: str | None = None
    granted_at: datetime


class EntitlementWithReceipt(Answer, frozen=True, kw_only=True, rename="camel"):
    """The right to a product and its proof, to be checked with `verify_receipt`."""

    product_id: str
    order_id: str | None = None
    grant_id: str | None = None
    granted_at: datetime
    receipt: str


class Link(Discreet, frozen=True, kw_only=True, rename="camel"):
    """Lets whoever has its `token` read one product until `expires_at`, and no longer than the right lasts."""

    secrets: ClassVar[frozenset[str]] = frozenset({"token"})

    token: str
    expires_at: datetime


class Jwk(Answer, frozen=True, kw_only=True):
    """A public key (RFC 7517); of other kinds than Ed25519 only what is common."""

    kty: str
    kid: str | None = None
    crv: str | None = None
    x: str | None = None
    alg: str | None = None
    use: str | None = None


class Jwks(Answer, frozen=True, kw_only=True):
    """The keys that verify receipts."""

    keys: list[Jwk]


def decode(response: Response, answer: type[T]) -> T:
    """The body of a success. Raises the LingdangError of a refusal, or UnreadableAnswer."""
    if not 200 <= response.status < 300:
        raise refusal(response)
    try:
        return msgspec.json.decode(response.body, type=answer)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnreadableAnswer(f"status {response.status} with a body that is not the contract's: {error}") from None
