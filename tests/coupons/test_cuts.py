"""What a voucher takes off the lines: never more than is left, and no more from less."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from lingdang.coupons.combine import Candidate
from lingdang.coupons.cuts import Cut
from lingdang.coupons.deciding import judge
from lingdang.coupons.goods import Order, Voucher
from lingdang.coupons.model import Definition
from support.drawn import NOW, definitions, orders


@settings(max_examples=2 * settings.default.max_examples)
@given(orders(), definitions, st.data())
def test_a_cut_saves_no_more_on_less(order: Order, definition: Definition, data: st.DataObject) -> None:
    """What the search's bound stands on; and no cut takes more than is left."""
    judged = judge(Voucher("v", "c", definition, NOW + timedelta(days=1)), order)
    if isinstance(judged, Candidate):
        cut: Cut = judged.cut
        left = [data.draw(st.integers(0, good.price)) for good in order.goods]
        less = [data.draw(st.integers(0, amount)) for amount in left]
        assert cut.saves(less) <= cut.saves(left)
        taken = cut.take(left)
        assert sum(taken) == cut.saves(left)
        assert all(0 <= amount <= left[i] for i, amount in zip(cut.lines, taken, strict=True))
