"""What the server answers of top-ups: bells for real money. Money is in whole minor units of its currency."""

from datetime import datetime
from typing import Literal

import msgspec

from lingdang_client.answers import Answer

TopupStatus = Literal[
    "pending", "paid", "failed", "expired", "review", "partly_refunded", "refunded", "disputed", "lost"
]
Channel = Literal["web", "app", "jsapi", "store"]


class Money(Answer, frozen=True, kw_only=True, rename="camel"):
    """So many minor units of a real currency: 600 CNY is 6.00 yuan."""

    amount: int
    currency: str


class PerBell(Money, frozen=True, kw_only=True, rename="camel"):
    """What a free amount costs: `amount` minor units for each `bells` of it, rounded up in all."""

    bells: int = 1


class TopupProvider(Answer, frozen=True, kw_only=True, rename="camel"):
    """An account through which a package can be bought."""

    provider: str
    kind: str
    channels: list[Channel]


class TopupTerms(Answer, frozen=True, kw_only=True, rename="camel"):
    """So many bells for so much money. What is left of the bonus lapses so many days after it was credited."""

    currency: str
    paid: int
    bonus: int
    price: Money
    bonus_expires_after_days: int | None = None


class TopupPackage(Answer, frozen=True, kw_only=True, rename="camel"):
    """What can be bought: at a `price`, or from `least` to `most` bells at a price `per_bell`."""

    package_id: str
    name: str
    currency: str
    paid: int = 0
    bonus: int = 0
    bonus_expires_after_days: int | None = None
    price: Money | None = None
    per_bell: PerBell | None = None
    least: int | None = None
    most: int | None = None
    providers: list[TopupProvider]

    def terms(self, amount: int | None = None) -> TopupTerms:
        """What is agreed when it is bought; `amount` is the bells of a free amount. Raises ValueError for one that is
        not sold."""
        if self.price is not None and amount is None:
            return self._terms(self.paid, self.bonus, self.price)
        if self.per_bell is None or amount is None or not (self.least or 1) <= amount <= (self.most or amount):
            raise ValueError(f"{self.package_id} is not sold so: amount {amount}, {self.least} to {self.most}")
        price = -(-amount * self.per_bell.amount // self.per_bell.bells)
        return self._terms(amount, 0, Money(amount=price, currency=self.per_bell.currency))

    def _terms(self, paid: int, bonus: int, price: Money) -> TopupTerms:
        days = self.bonus_expires_after_days
        return TopupTerms(currency=self.currency, paid=paid, bonus=bonus, price=price, bonus_expires_after_days=days)


class TopupPackages(Answer, frozen=True, kw_only=True, rename="camel"):
    """Every package that can be bought now."""

    items: list[TopupPackage]


class TopupAction(Answer, frozen=True, kw_only=True, rename="camel"):
    """What the payer does next: opens `url`, scans it, or has `params` handed to the provider's own code."""

    kind: Literal["redirect", "qr", "app", "store", "none"]
    url: str | None = None
    params: dict[str, str] = msgspec.field(default_factory=dict)


class TopupBells(Answer, frozen=True, kw_only=True, rename="camel"):
    """What moved a top-up's bells since they came: `debt_paid` of them paid what was owed, `taken` went back with their
    money, of which `owed` had been spent and became a debt, and `frozen` are held by an open dispute."""

    debt_paid: int
    taken: int
    owed: int
    frozen: int


class Topup(Answer, frozen=True, kw_only=True, rename="camel"):
    """A top-up: what was agreed, and what has come of it. `support_reference` is for the shop, in `review`.

    `bells` is told of a single one, once it was credited.
    """

    topup_id: str
    status: TopupStatus
    package_id: str
    name: str
    provider: str
    channel: Channel
    currency: str
    paid: int
    bonus: int
    price: Money
    received: Money | None = None
    refunded: int
    disputed: int
    lost: int = 0
    action: TopupAction
    support_reference: str | None = None
    created_at: datetime
    expires_at: datetime
    paid_at: datetime | None = None
    credited_at: datetime | None = None
    bells: TopupBells | None = None


class Redeemed(Answer, frozen=True, kw_only=True, rename="camel"):
    """The bells of a gift code, `debt_paid` of which paid what was owed, and the balance right after them."""

    campaign: str
    currency: str
    amount: int
    expires_at: datetime | None = None
    balance: int
    redeemed_at: datetime
    debt_paid: int = 0
