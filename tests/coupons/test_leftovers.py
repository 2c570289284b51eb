"""Why a usable voucher is not among the applied ones: never a guess."""

from typing import Any

import pytest

from lingdang.coupons.combine import MAX_APPLIED, Candidate, apply
from lingdang.coupons.cuts import Amount
from lingdang.coupons.leftovers import Leftovers
from lingdang.coupons.model import Stacking
from lingdang.coupons.reasons import Reason
from lingdang.coupons.work import Work
from support.drawn import NOW


def candidate(name: str, amount: int, **stacking: Any) -> Candidate:
    """One that takes so much off the only line; of no group unless told."""
    return Candidate(name, "c", Amount((0,), amount), Stacking(**({"group": None} | stacking)), NOW)


def reason(
    applied: list[Candidate], left: Candidate, *, is_best: bool = False, work: Work | None = None
) -> Reason | None:
    return Leftovers(apply(applied, [100]), [100], is_best, work or Work()).reason(left)


def test_what_is_in_the_way_is_named_first() -> None:
    applied = [candidate("1", 5, group="a"), candidate("2", 5)]
    assert reason(applied, candidate("3", 5, group="a"), is_best=True) == Reason("not_with", {"voucherIds": ["1"]})
    assert reason(applied, candidate("3", 5, exclusive=True)) == Reason("not_with", {"voucherIds": ["1", "2"]})


def test_then_that_an_order_takes_no_more() -> None:
    full = [candidate(f"v{n:02}", 1) for n in range(MAX_APPLIED)]
    assert reason(full, candidate("z", 1), is_best=True) == Reason("too_many", {"limit": MAX_APPLIED})


@pytest.mark.parametrize("is_best", [True, False])
def test_it_brings_nothing_more(is_best: bool) -> None:
    assert reason([candidate("1", 100)], candidate("2", 5), is_best=is_best) == Reason("saves_nothing")


def test_it_could_be_used_too() -> None:
    assert reason([candidate("1", 50)], candidate("2", 5)) is None


def test_where_to_know_would_take_too_long_nothing_is_said() -> None:
    work = Work(limit=0)
    assert reason([candidate("1", 100)], candidate("2", 5), work=work) is None
    assert work.done == 0
