"""What a coupon is, declared as data: its effect, its conditions, and how it stands beside others.

A definition is checked when it is made: msgspec reports where it is wrong, with a path. Amounts are whole bells.
docs/vouchers.md has a worked example of each kind.
"""

from datetime import timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from lingdang.ids import DEFAULT_CURRENCY, MAX_AMOUNT, Currency, ProductId, ruled
from lingdang.moments import Moment

Bells = Annotated[int, Meta(ge=1, le=MAX_AMOUNT, description="Whole bells.")]
PercentOff = Annotated[int, Meta(ge=1, le=100, description="Percent taken off: 20 leaves 80 of 100.")]
Several = Annotated[int, Meta(ge=2, le=100)]
_STORABLE = ruled(r"^[^\x00]*\Z", "no character U+0000")
"""PostgreSQL's JSON holds any character but this one."""
Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=_STORABLE)]
Label = Annotated[str, Meta(min_length=1, max_length=100, pattern=_STORABLE)]
Products = Annotated[frozenset[ProductId], Meta(min_length=1, max_length=10_000)]
Labels = Annotated[frozenset[Label], Meta(min_length=1, max_length=1_000)]

LONGEST_LIFE = timedelta(days=1096)
"""No voucher is good for longer than this after its claim."""

DEFAULT_GROUP = "default"


class _Effect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", rename="camel"):
    """The effects share how they are told apart: by `kind`."""


class Percent(_Effect, frozen=True, tag="percent", omit_defaults=True):
    """`off` percent of what the eligible lines cost, at most `cap`."""

    off: PercentOff
    cap: Bells | None = None


class Fixed(_Effect, frozen=True, tag="fixed"):
    """`amount` off the eligible lines together."""

    amount: Bells


class SpendSave(_Effect, frozen=True, tag="spend_save", omit_defaults=True):
    """满减: `save` once the eligible lines reach `spend`; with `every`, for every `spend` in them, at most `cap`."""

    spend: Bells
    save: Bells
    every: bool = False
    cap: Bells | None = None

    def __post_init__(self) -> None:
        if self.save > self.spend:
            raise ValueError("`save` may not be more than `spend`")
        if self.cap is not None and not self.every:
            raise ValueError("`cap` goes with `every`")


class FixedPrice(_Effect, frozen=True, tag="fixed_price"):
    """Each eligible line for `price`; one that costs less stays as it is."""

    price: Annotated[int, Meta(ge=0, le=MAX_AMOUNT)]


class NthItem(_Effect, frozen=True, tag="nth_item"):
    """`off` percent of every `nth` eligible line, counted from the dearest: 第二件半价 is nth 2, off 50."""

    nth: Several
    off: PercentOff


class BuyPay(_Effect, frozen=True, tag="buy_pay"):
    """Of every `buy` eligible lines, counted from the dearest, `pay` are paid: the cheapest of them are free."""

    buy: Several
    pay: Annotated[int, Meta(ge=1, le=99)]

    def __post_init__(self) -> None:
        if self.pay >= self.buy:
            raise ValueError("`pay` must be less than `buy`")


class FreeProduct(_Effect, frozen=True, tag="free_product", rename="camel"):
    """One product is free when it is bought with others that meet the conditions."""

    product_id: ProductId


Effect = Percent | Fixed | SpendSave | FixedPrice | NthItem | BuyPay | FreeProduct


class Conditions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", omit_defaults=True):
    """When a voucher can be used, and on which lines. What is not said does not matter.

    A line is eligible if its product is in `products`, its publisher in `publishers` and one of its categories in
    `categories`, as far as these are given, and if it is not in `excluded_products`. `min_spend` and `min_count` are
    asked of the eligible lines at the shop's prices, before any voucher.
    """

    min_spend: Bells | None = None
    min_count: Several | None = None
    products: Products | None = None
    publishers: Labels | None = None
    categories: Labels | None = None
    excluded_products: Products | None = None
    first_purchase: bool = False
    groups: Labels | None = None
    """The customer is in one of these groups, which the platform declares."""

    def __post_init__(self) -> None:
        if self.products is not None and self.excluded_products is not None and self.products <= self.excluded_products:
            raise ValueError("`excludedProducts` leaves nothing of `products`")

    @property
    def admits_all(self) -> bool:
        """Every line is eligible."""
        return self.products is self.publishers is self.categories is self.excluded_products is None

    @property
    def listed(self) -> int:
        """How many products and labels they name."""
        lists = (self.products, self.publishers, self.categories, self.excluded_products, self.groups)
        return sum([len(each) for each in lists if each is not None])


class Stacking(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How the voucher goes with others. An `exclusive` one goes with none.

    Of one `group` an order takes one voucher; null is no group, of which it takes any number. Vouchers are applied by
    rising `order`, each to what the ones before it left to pay.
    """

    exclusive: bool = False
    group: Label | None = DEFAULT_GROUP
    order: Annotated[int, Meta(ge=-1000, le=1000)] = 0


class Definition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", omit_defaults=True):
    """A coupon. It can be claimed from `valid_from` and used until `valid_until`, and `valid_days` from its claim.

    No voucher is good for longer than three years.
    """

    name: Name
    effect: Effect
    conditions: Conditions = Conditions()
    stacking: Stacking = Stacking()
    currency: Currency = DEFAULT_CURRENCY
    valid_from: Moment | None = None
    valid_until: Moment | None = None
    valid_days: Annotated[int, Meta(ge=1, le=1096)] | None = None

    def __post_init__(self) -> None:
        if self.valid_from is not None and self.valid_until is not None and self.valid_until <= self.valid_from:
            raise ValueError("`validUntil` must be after `validFrom`")
        self._check_free_product()

    def _check_free_product(self) -> None:
        excluded = self.conditions.excluded_products
        if isinstance(self.effect, FreeProduct) and excluded is not None and self.effect.product_id in excluded:
            raise ValueError("The free product may not be excluded")
