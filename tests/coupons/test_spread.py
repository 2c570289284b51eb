"""Sharing a discount out: in whole bells, no line loses more than it costs, and none is a bell from its share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingdang.coupons.spread import spread

WEIGHTS = st.lists(st.integers(0, 10**13), min_size=1, max_size=30)


@given(WEIGHTS, st.data())
def test_the_parts_are_the_total_and_none_is_a_bell_from_its_share(weights: list[int], data: st.DataObject) -> None:
    whole = sum(weights)
    total = data.draw(st.integers(0, whole))
    parts = spread(total, weights)
    assert sum(parts) == total
    assert all(0 <= part <= weight for part, weight in zip(parts, weights, strict=True))
    assert all(abs(part * whole - total * weight) < whole for part, weight in zip(parts, weights, strict=True) if whole)


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (0, [5, 5], [0, 0]),
        (0, [], []),
        (1, [1, 1, 1], [1, 0, 0]),
        (2, [1, 1, 1], [1, 1, 0]),
        (10, [10, 0, 10], [5, 0, 5]),
        (100, [333, 333, 334], [33, 33, 34]),
        (7, [3, 4], [3, 4]),
    ],
)
def test_equal_remainders_are_served_in_order(total: int, weights: list[int], parts: list[int]) -> None:
    assert spread(total, weights) == parts


@pytest.mark.parametrize("total", [-1, 8])
def test_more_than_there_is_is_a_fault_of_the_caller(total: int) -> None:
    with pytest.raises(AssertionError):
        spread(total, [3, 4])
