"""A cart as it is shown: its items at today's prices, and what is selected of them."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from lingdang.catalog.product import Product


class InCart(msgspec.Struct, frozen=True, gc=False):
    """One product in a cart. `since`: when it was put there; `owned`: bought already."""

    product: Product
    ticked: bool
    owned: bool
    since: datetime


class Item(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A product in the cart at today's price. `owned`: bought already; `available`: on sale now."""

    product_id: str
    title: str
    currency: str
    list_price: int
    price: int
    ticked: bool
    owned: bool
    available: bool


class Selected(msgspec.Struct, frozen=True):
    """What a checkout of the cart is for: the products ticked, on sale and not yet owned, before any voucher.

    An order has one currency: `total` is in that of the selected product which is in the cart the longest,
    and products of other currencies are left out.
    """

    count: int
    total: int


class Cart(msgspec.Struct, frozen=True):
    """All items, the longest in the cart first, and what is selected of them."""

    items: list[Item]
    selected: Selected


def cart_of(cart: Sequence[InCart], now: datetime) -> Cart:
    """The whole cart as it is shown at this moment."""
    ordered = sorted(cart, key=lambda each: (each.since, each.product.product_id))
    return Cart([item_of(each, now) for each in ordered], selected(cart, now))


def item_of(each: InCart, now: datetime) -> Item:
    """One item as it is shown at this moment."""
    product = each.product
    return Item(
        product_id=product.product_id,
        title=product.title,
        currency=product.currency,
        list_price=product.list_price,
        price=product.price,
        ticked=each.ticked,
        owned=each.owned,
        available=product.on_sale(now),
    )


def selected(cart: Sequence[InCart], now: datetime) -> Selected:
    """What is selected, in the currency of the selected product that is in the cart the longest."""
    chosen = [each for each in cart if each.ticked and not each.owned and each.product.on_sale(now)]
    if not chosen:
        return Selected(0, 0)
    currency = min([(each.since, each.product.currency) for each in chosen])[1]
    prices = [each.product.price for each in chosen if each.product.currency == currency]
    return Selected(len(prices), sum(prices))
