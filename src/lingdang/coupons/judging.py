"""Each voucher by itself: what it would take off an order, or why it cannot be used."""

from lingdang.coupons.combine import Candidate
from lingdang.coupons.conditions import eligible, refuse, refuse_lines
from lingdang.coupons.cuts import Cut
from lingdang.coupons.goods import Basket, Voucher
from lingdang.coupons.kinds import cut_of
from lingdang.coupons.reasons import Reason

_KNOWN = 60
_LINE = 12
"""Units for a voucher of a coupon that has been looked at, and for each line where it has not."""


class Judge:
    """Judges the vouchers of one order. What a coupon does to the lines is found out once, for all of its vouchers."""

    def __init__(self, basket: Basket) -> None:
        self._basket = basket
        self._prices = [good.price for good in basket.goods]
        self._cuts: dict[str, Cut | Reason] = {}

    def units(self, voucher: Voucher) -> int:
        """What it takes to judge this one."""
        return _KNOWN if voucher.coupon_id in self._cuts else _KNOWN + _LINE * len(self._prices)

    def judge(self, voucher: Voucher) -> Candidate | Reason:
        refusal = refuse(voucher, self._basket)
        if refusal is not None:
            return refusal
        cut = self._cuts.get(voucher.coupon_id)
        if cut is None:
            cut = self._cuts[voucher.coupon_id] = self._cut(voucher)
        if isinstance(cut, Reason):
            return cut
        return Candidate(voucher.voucher_id, voucher.coupon_id, cut, voucher.definition.stacking, voucher.expires_at)

    def _cut(self, voucher: Voucher) -> Cut | Reason:
        definition = voucher.definition
        lines = eligible(voucher, self._basket)
        refusal = refuse_lines(definition.conditions, lines, self._basket)
        if refusal is not None:
            return refusal
        cut = cut_of(definition.effect, lines, self._basket)
        if isinstance(cut, Reason):
            return cut
        return cut if cut.saves(self._prices) else Reason("saves_nothing")
