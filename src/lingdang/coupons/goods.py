"""What is being bought, as vouchers see it."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from lingdang.coupons.model import Definition


class Good(msgspec.Struct, frozen=True):
    """One line: a product, once, at the shop's price in whole bells."""

    product_id: str
    price: int
    publisher: str | None = None
    categories: tuple[str, ...] = ()


class Buyer(msgspec.Struct, frozen=True):
    """What conditions ask of the customer."""

    first_purchase: bool = True
    groups: frozenset[str] = frozenset()


class Basket(msgspec.Struct, frozen=True):
    """What is bought, by whom and when. `goods` are sorted, so that the request's order changes no result."""

    goods: tuple[Good, ...]
    currency: str
    buyer: Buyer
    now: datetime

    @property
    def lines(self) -> tuple[int, ...]:
        """The numbers of all lines."""
        return tuple(range(len(self.goods)))


class Voucher(msgspec.Struct, frozen=True):
    """A voucher in the customer's hand, with its coupon's definition and status."""

    voucher_id: str
    coupon_id: str
    definition: Definition
    expires_at: datetime
    status: str = "active"


def basket_of(goods: Sequence[Good], currency: str, buyer: Buyer, now: datetime) -> Basket:
    """The basket of these goods, each of which is in it once."""
    return Basket(tuple(sorted(goods, key=lambda good: good.product_id)), currency, buyer, now)
