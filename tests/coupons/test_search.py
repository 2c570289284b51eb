"""The chosen combination against brute force."""

from itertools import combinations

from hypothesis import event, given, settings

from lingdang.coupons.combine import Candidate, apply, conflicts
from lingdang.coupons.deciding import judge
from lingdang.coupons.goods import Basket, Voucher
from lingdang.coupons.search import best
from support.drawn import held, orders


def brute_force(candidates: list[Candidate], prices: list[int]) -> tuple[Candidate, ...]:
    """Every subset that stacks: the most saved, then the fewest vouchers, then the first in order of application."""
    allowed = [
        apply(subset, prices)
        for size in range(len(candidates) + 1)
        for subset in combinations(candidates, size)
        if not any(conflicts(c, subset) for c in subset)
    ]
    chosen = min(allowed, key=lambda c: (-sum(c.saves), len(c.candidates), [one.rank for one in c.candidates]))
    return chosen.candidates


@settings(max_examples=5 * settings.default.max_examples)
@given(orders(), held())
def test_best_is_brute_force(order: Basket, vouchers: list[Voucher]) -> None:
    prices = [good.price for good in order.goods]
    candidates = [c for c in (judge(voucher, order) for voucher in vouchers) if isinstance(c, Candidate)]
    event(f"{len(candidates)} usable")
    chosen = best(candidates, prices)
    assert chosen.proven
    assert chosen.candidates == brute_force(candidates, prices)
