"""What each provider is to the rest: one small protocol, and the values on both sides of it.

A provider's module verifies what comes from its provider and says what that means. It decides nothing about bells: what
it found is compared with what was agreed by whoever asked it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Literal, Protocol
from uuid import UUID

import msgspec

from lingdang.topup.money import Money

Channel = Literal["web", "app", "jsapi", "store"]


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider is told of a top-up. `notify_url` is where it sends its notifications."""

    topup_id: UUID
    name: str
    price: Money
    channel: Channel
    expires_at: datetime
    notify_url: str
    return_url: str | None = None
    payer_id: str | None = None
    store_product: str | None = None
    """The product's id at a store."""


class Action(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the client does next: opens `url`, shows it as a QR code, or hands `params` to the provider's own code."""

    kind: Literal["redirect", "qr", "app", "store", "none"]
    url: str | None = None
    params: Mapping[str, str] = {}


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """A payment that waits for its payer. `reference` is the provider's id of it, where there is one already."""

    action: Action
    reference: str | None = None
    """The id to ask by until there is a payment. The reference of a later Standing takes its place."""


class Return(msgspec.Struct, frozen=True, kw_only=True):
    """One refund, where a provider tells of each alone: `amount` in minor units, 0 once it has failed."""

    reference: str
    amount: int
    at: datetime | None = None
    """When it was so, by the provider's clock; None while it is under way: whatever has a time holds against that."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a payment stands at its provider. Every amount is the sum so far, in minor units; None: not told here.

    `state`: `open` may still be paid, `closed` cannot be any more and was not, `paid` was, whatever came back since.
    `refunded` has come back by refunds, `disputed` is held by disputes that are open, `lost` was taken by lost ones.
    `returns` are single refunds, for a provider that does not always tell their sum. Where it tells both, the greater
    sum holds: its list of single ones may not reach back to the first.
    """

    topup_id: UUID | None
    """Our number as the provider has it; None when it has none that we could have made."""
    reference: str | None
    """The provider's id of the payment; None where it gives none before somebody pays."""
    state: Literal["open", "paid", "closed"]
    at: datetime
    """When it was so, by the provider's clock: that of the event in a notification, now in an answer. Sums that were
    told of a later moment are not changed by those of an earlier one."""
    received: Money | None = None
    refunded: int | None = None
    disputed: int | None = None
    lost: int | None = None
    returns: Sequence[Return] = ()
    store_product: str | None = None
    quantity: int = 1
    payer_account: str | None = None
    """What a store was given as our account: `appAccountToken`, `obfuscatedAccountId`."""
    test: bool = False
    """Made with play money: a sandbox of the provider's."""
    differs: Sequence[str] = ()
    """What is not ours in a payment that is genuine: `merchant`, `app`, `environment`."""
    proven: bool = True
    """False: from a list that nobody signed, so that it is only a reason to ask."""


class GivenBack(msgspec.Struct, frozen=True, kw_only=True):
    """A refund as its provider has it: how it stands itself, and the payment with it.

    `pending`: the standing's sums count it, and it may fail. `failed`: they do not, for `reason`.
    """

    standing: Standing
    state: Literal["pending", "done", "failed"] = "done"
    reason: str | None = None


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """A genuine notification. `id` names it among the provider's: repeats have the same.

    `standing` is None for what is of no consequence here. `ask` has the provider asked at once, because the
    notification alone does not tell how things stand; its standing may then name a reference alone, and when no top-up
    has it, it is somebody else's payment at the same account. `evidence`: the provider wants to know how much was
    consumed.
    """

    id: str
    type: str
    """The provider's own word for what happened."""
    at: datetime
    standing: Standing | None = None
    ask: bool = False
    evidence: str | None = None
    """The provider's id of its question, for `Store.tell_consumed`."""


class NotificationReply(msgspec.Struct, frozen=True):
    """What a notification is answered with."""

    status: int
    content_type: str = "text/plain"
    body: bytes = b""


class Forged(Exception):  # noqa: N818 - what it is, not that it failed
    """A notification is not the provider's, or is too old to be believed. `reason` is a short stable word with details
    behind a colon: `signature`, `serial: 7F…`, `timestamp: 86400 s ahead`, `not utf-8`. What a stranger put into them
    and nobody can print or store is escaped."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = _printable(reason)


class Unavailable(Exception):  # noqa: N818 - likewise
    """The provider did not answer, or with an error that may pass. What was asked is asked again later."""


class Refused(Exception):  # noqa: N818 - likewise
    """The provider answered that it will not. `reason` is its own code, escaped as that of Forged."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = _printable(reason)


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider's list of a day is: `Provider.list_day`."""

    zone: timezone = UTC
    """In which its days are."""
    ready: timedelta
    """How long after a day's end its list is there."""
    whole: bool = True
    """Whether it has every payment of the day, so that a credit that is not on it has no money."""


class Provider(Protocol):
    """A configured account at a provider. Its methods wait for the network or for a signature: they are called in
    threads of their own, never on an event loop, and several at a time. They raise Unavailable and Refused."""

    kind: str
    """`stripe`, `wechat`, `alipay`, `apple`, `google` or `sandbox`."""
    channels: Sequence[Channel]
    currencies: Sequence[str] | None
    """The real currencies that it takes; None: whatever it is asked for."""
    listing: Listing

    def begin(self, order: Order) -> Begun:
        """Open a payment. Idempotent by the top-up's id: once more answers an action that works."""

    def read(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Notification:
        """What a notification says, once it is known to be the provider's. Header names are in lower case.

        Raises Forged."""

    def reply(self, accepted: bool) -> NotificationReply:
        """What the provider wants to hear: that a notification was taken, or that it is to send it again."""

    def ask(self, topup_id: UUID, reference: str | None) -> Standing | None:
        """How a payment stands now; None when the provider does not know of it. `refunded`, `disputed` and `lost` are
        None where the provider tells them in notifications and lists alone."""

    def close(self, topup_id: UUID, reference: str | None) -> Standing | None:
        """Have nobody pay any more, and answer how it stands then: `paid` when somebody was faster, `open` where it
        cannot be closed yet. None: the provider does not know of it, and nobody can pay it."""

    def refund(self, topup_id: UUID, reference: str, refund_id: str, amount: Money, received: Money) -> GivenBack:
        """Give money back, or say how that stands. Idempotent by `refund_id`: one that failed is not made again. Raises
        Refused when the provider will not."""

    def list_day(self, day: date) -> Iterable[Standing]:
        """Every payment of a day (of the provider's own zone) that was received or gave something back."""


class Store(Provider, Protocol):
    """A store of apps. Its client pays first and shows us the proof; amounts are in the buyer's currency, whatever the
    package's price is, and `refunded` is in that of `received`."""

    def purchase(self, proof: str, now: datetime) -> Standing:
        """How the purchase stands that a client shows: a signed transaction or a purchase token. Raises Forged."""

    def finish(self, reference: str) -> None:
        """Tell the store that the bells were given. Idempotent. Google gives money back after 3 days without it."""

    def tell_consumed(self, evidence: str, consumed: int) -> None:
        """Answer the store's question: `consumed` thousandths of a percent were used, 100,000 is all."""
