"""What vouchers save together, in which order, and why which of them do not go together."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from lingdang.coupons.combine import MAX_APPLIED, Candidate, apply, conflicts, refusals, without_idle
from lingdang.coupons.cuts import Amount
from lingdang.coupons.model import Stacking
from support.drawn import NOW


def candidate(name: str, amount: int, **stacking: Any) -> Candidate:
    """One that takes so much off the only line; of no group unless told."""
    return Candidate(name, "c", Amount((0,), amount), Stacking(**({"group": None} | stacking)), NOW)


def test_they_are_applied_by_rank_each_to_what_is_left() -> None:
    late = candidate("late", 80, order=1)
    early = candidate("early", 50)
    combination = apply([late, early], [100])
    assert [c.voucher_id for c in combination.candidates] == ["early", "late"]
    assert (combination.saves, combination.discounts) == ((50, 50), (100,))


def test_of_one_coupon_the_soonest_to_expire_comes_first() -> None:
    soon = candidate("z", 1)
    later = msgspec.structs.replace(candidate("a", 1), expires_at=NOW + timedelta(days=1))
    assert sorted([later, soon], key=lambda c: c.rank) == [soon, later]


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ({}, {}, False),
        ({"group": "a"}, {"group": "a"}, True),
        ({"group": "a"}, {"group": "b"}, False),
        ({"group": "a"}, {}, False),
        ({"exclusive": True}, {}, True),
        ({}, {"exclusive": True}, True),
    ],
)
def test_what_goes_together(one: dict[str, Any], other: dict[str, Any], apart: bool) -> None:
    first, second = candidate("1", 5, **one), candidate("2", 5, **other)
    assert conflicts(first, [first, second]) == ([second] if apart else [])
    assert conflicts(second, [first, second]) == ([first] if apart else [])
    reasons = refusals(apply([first, second], [100]))
    assert {name: reason.code for name, reason in reasons.items()} == (
        {"1": "not_with", "2": "not_with"} if apart else {}
    )


def test_an_exclusive_one_may_stand_alone() -> None:
    assert refusals(apply([candidate("1", 5, exclusive=True)], [100])) == {}
    assert refusals(apply([], [100])) == {}


def test_no_more_than_an_order_takes() -> None:
    allowed = [candidate(f"v{n:02}", 1) for n in range(MAX_APPLIED)]
    assert refusals(apply(allowed, [1000])) == {}
    reasons = refusals(apply([*allowed, candidate("more", 1)], [1000]))
    assert len(reasons) == MAX_APPLIED + 1
    assert {reason.code for reason in reasons.values()} == {"too_many"}


def test_what_saves_nothing_is_named_and_can_be_left_out() -> None:
    combination = apply([candidate("1", 100), candidate("2", 5)], [100])
    assert {name: reason.code for name, reason in refusals(combination).items()} == {"2": "saves_nothing"}
    left = without_idle(combination)
    assert [c.voucher_id for c in left.candidates] == ["1"]
    assert (left.saves, left.discounts) == ((100,), combination.discounts)
