"""Pricing: pure integer arithmetic on what was read."""

from collections.abc import Sequence

import msgspec

from lingdang.catalog.product import Product
from lingdang.coupons.deciding import Decision
from lingdang.ledger.lines import Line, UsedVoucher


class Priced(msgspec.Struct, frozen=True):
    """Lines in request order and their sums: total = subtotal − discount = Σ payable."""

    lines: tuple[Line, ...]
    vouchers: tuple[UsedVoucher, ...]
    subtotal: int
    discount: int
    total: int


def price(products: Sequence[Product], decision: Decision) -> Priced:
    """The products at today's prices, less what the vouchers take off."""
    taken_off = decision.discounts.get
    lines = tuple(
        [Line(p.product_id, p.title, p.publisher, p.list_price, p.price, taken_off(p.product_id, 0)) for p in products]
    )
    subtotal = sum([product.price for product in products])
    discount = sum(decision.discounts.values())
    vouchers = tuple([UsedVoucher(voucher_id, saves) for voucher_id, saves in decision.applied])
    return Priced(lines, vouchers, subtotal, discount, subtotal - discount)
