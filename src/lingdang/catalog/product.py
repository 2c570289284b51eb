"""A product as workers remember it, and the one rule of when it is on sale."""

from datetime import datetime
from typing import Any

import msgspec


class ProductDetail(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a checkout and a product's own page show besides.

    `categories` is the attribute of that name as text, however it is written.
    """

    intro: str
    cover_url: str | None
    categories: str | None
    attributes: dict[str, Any]
    popularity: int
    created_at: datetime
    updated_at: datetime


class Product(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A product, in the order of products_read. Prices are in the smallest unit of the currency.

    `detail` is None where it was not asked for.
    """

    product_id: str
    title: str
    publisher: str | None
    currency: str
    list_price: int
    price: int
    active: bool
    on_sale_from: datetime | None
    on_sale_until: datetime | None
    detail: ProductDetail | None = None

    @property
    def is_always_on_sale(self) -> bool:
        """Whether it can be bought whatever the time is."""
        return self.active and self.on_sale_from is None and self.on_sale_until is None

    def on_sale(self, now: datetime) -> bool:
        """Whether it can be bought at this moment. Most products have no time of sale."""
        if self.on_sale_from is None and self.on_sale_until is None:
            return self.active
        return on_sale(self.active, self.on_sale_from, self.on_sale_until, now)

    def told(self) -> ProductDetail:
        """The detail of a product that was asked for with it."""
        assert self.detail is not None, "it was read whole"
        return self.detail


def on_sale(active: bool, since: datetime | None, until: datetime | None, now: datetime) -> bool:
    """While it is active, from `since` and until before `until`, where they are set.

    The SQL function product_on_sale says the same for lists, which filter by it.
    """
    return active and (since is None or since <= now) and (until is None or now < until)
