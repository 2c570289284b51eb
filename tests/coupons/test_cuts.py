"""What a voucher takes off the lines: never more than is left, and no more from less."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lingdang.coupons.combine import Candidate
from lingdang.coupons.cuts import Amount, Cut, DownTo, Share
from lingdang.coupons.deciding import judge
from lingdang.coupons.goods import Basket, Voucher
from lingdang.coupons.model import Definition
from support.drawn import NOW, definitions, orders


@settings(max_examples=2 * settings.default.max_examples)
@given(orders(), definitions, st.data())
def test_a_cut_saves_no_more_on_less(order: Basket, definition: Definition, data: st.DataObject) -> None:
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


@pytest.mark.parametrize(
    ("cut", "remaining", "taken"),
    [
        (Share((0, 2), 50), [100, 100, 51], [50, 25]),
        (Share((0, 1), 10), [5, 4], [0, 0]),
        (Share((0, 1), 100, 60), [100, 20], [50, 10]),
        (Share((0,), 100), [0], [0]),
        (Amount((0, 1), 30), [10, 20], [10, 20]),
        (Amount((0, 1), 31), [10, 20], [10, 20]),
        (Amount((1,), 5), [100, 20], [5]),
        (DownTo((0, 1), 15), [10, 20], [0, 5]),
        (DownTo((0,), 0), [10], [10]),
    ],
)
def test_each_kind_of_cut(cut: Cut, remaining: list[int], taken: list[int]) -> None:
    assert cut.take(remaining) == taken
    assert cut.saves(remaining) == sum(taken)
