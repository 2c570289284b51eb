"""Pricing: pure integer arithmetic on what was read."""

from collections.abc import Sequence

import msgspec

from lingdang.checkout.reading import Product
from lingdang.ledger.commands import Line, UsedCoupon


class Priced(msgspec.Struct, frozen=True):
    """Lines in request order and their sums: total = subtotal − discount = Σ payable."""

    lines: tuple[Line, ...]
    coupons: tuple[UsedCoupon, ...]
    subtotal: int
    discount: int
    total: int


def price(products: Sequence[Product]) -> Priced:
    """The products at today's prices."""
    lines = tuple(Line(p.product_id, p.title, p.publisher, p.list_price, p.price, 0, p.price) for p in products)
    subtotal = sum(p.price for p in products)
    return Priced(lines, (), subtotal, 0, subtotal)
