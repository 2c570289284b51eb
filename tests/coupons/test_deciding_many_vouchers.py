"""More vouchers than an order takes, and more than can all be tried: what is chosen may be named, and work ends."""

import random
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lingdang.coupons.combine import MAX_APPLIED, Candidate, refusals
from lingdang.coupons.deciding import MAX_OTHERS, Decision, decide, deciding, judge
from lingdang.coupons.goods import Basket, Buyer, Good, Voucher, basket_of
from lingdang.coupons.model import (
    Conditions,
    Definition,
    Fixed,
    Stacking,
)
from lingdang.coupons.search import best
from lingdang.coupons.work import MAX_UNITS, SLICE, Work
from lingdang.errors import Problem
from support.drawn import NOW, a_shop, an_effect

COUNTS = [21, 40, 100]


def named_like(order: Basket, vouchers: list[Voucher], chosen: Decision) -> Decision:
    return decide(order, vouchers, [voucher_id for voucher_id, _ in chosen.applied])


@settings(max_examples=settings.default.max_examples // 2)
@given(st.sampled_from(COUNTS), st.integers(0, 10**6), st.sampled_from([1, 8, 30]))
@example(40, 4, 8)
def test_what_is_chosen_may_be_named(count: int, seed: int, lines: int) -> None:
    order, vouchers = a_shop(count, seed, lines)
    chosen = decide(order, vouchers)
    assert len(chosen.applied) <= MAX_APPLIED
    assert all(saves > 0 for _, saves in chosen.applied)
    again = named_like(order, vouchers, chosen)
    assert (again.discounts, again.applied) == (chosen.discounts, chosen.applied)


@settings(max_examples=settings.default.max_examples // 2)
@given(st.sampled_from(COUNTS), st.integers(0, 10**6), st.randoms())
def test_the_order_of_the_request_changes_nothing(count: int, seed: int, chance: Any) -> None:
    order, vouchers = a_shop(count, seed)
    goods = chance.sample(order.goods, len(order.goods))
    shuffled = decide(basket_of(goods, "BELL", Buyer(), NOW), chance.sample(vouchers, count))
    chosen = decide(order, vouchers)
    assert (shuffled.discounts, shuffled.applied, shuffled.proven) == (chosen.discounts, chosen.applied, chosen.proven)


@settings(max_examples=settings.default.max_examples // 2)
@given(st.sampled_from(COUNTS), st.integers(0, 10**6))
def test_no_single_change_of_a_proven_choice_is_better(count: int, seed: int) -> None:
    """Where brute force ends: nothing that is added, taken away or put in another's place saves more."""
    order, vouchers = a_shop(count, seed)
    prices = [good.price for good in order.goods]
    candidates = {c.voucher_id: c for v in vouchers if isinstance(c := judge(v, order), Candidate)}
    chosen = best(list(candidates.values()), prices)
    assert refusals(chosen) == {}
    taken = {c.voucher_id for c in chosen.candidates}
    for further in (None, *candidates.keys() - taken):
        for dropped in (None, *taken):
            named = taken - {dropped} | ({further} if further else set())
            try:
                other = decide(order, vouchers, named)
            except Problem:
                continue
            assert sum(other.discounts.values()) <= sum(chosen.saves) or not chosen.proven


def slices(order: Basket, vouchers: list[Voucher], named: list[str] | None = None) -> tuple[Work, list[int]]:
    """The work of a decision, and how much was done between its yields."""
    work, done = Work(), [0]
    for _ in deciding(order, vouchers, named, {}, work):
        done.append(work.done)
    return work, [after - before for before, after in pairwise([*done, work.done])]


@settings(max_examples=settings.default.max_examples // 5)
@given(st.sampled_from([100, 300]), st.integers(0, 10**6), st.sampled_from([20, 100]), st.booleans())
def test_work_is_bounded_and_yields(count: int, seed: int, lines: int, naming: bool) -> None:
    """300 vouchers and 100 lines are the most that a checkout looks at; naming costs no more than choosing."""
    order, vouchers = a_shop(count, seed, lines, coupons=count)
    named = [voucher_id for voucher_id, _ in decide(order, vouchers).applied] if naming else None
    work, between = slices(order, vouchers, named)
    assert work.done <= MAX_UNITS
    assert max(between) <= 2 * SLICE


def test_25_vouchers_of_100_bells_and_one_book() -> None:
    """An order takes 20: those are applied that are the first in order of application."""
    order = basket_of([Good("book", 5000)], "BELL", Buyer(), NOW)
    off = Definition("Off", Fixed(100), stacking=Stacking(group=None))
    vouchers = [Voucher(f"v{n:02}", f"c{n:02}", off, NOW + timedelta(days=1)) for n in range(25)]
    chosen = decide(order, vouchers)
    assert [voucher_id for voucher_id, _ in chosen.applied] == [f"v{n:02}" for n in range(20)]
    assert sum(chosen.discounts.values()) == 2000
    assert {v.reason["code"] for v in chosen.verdicts if v.reason} == {"too_many"}
    assert named_like(order, vouchers, chosen).applied == chosen.applied


@pytest.mark.parametrize("seed", range(20))
def test_30_vouchers_in_four_groups_are_not_burnt(seed: int) -> None:
    """Nothing is applied that saves nothing on top of the others, though each would save something alone."""
    chance = random.Random(seed)
    products = [f"book-{n}" for n in range(3)]
    order = basket_of([Good(product_id, chance.randint(1, 60)) for product_id in products], "BELL", Buyer(), NOW)
    vouchers = [
        Voucher(
            f"v{n:02}",
            f"c{n:02}",
            Definition("Off", an_effect(chance, products), stacking=Stacking(group=f"g{n % 4}", order=n % 3)),
            NOW + timedelta(days=1),
        )
        for n in range(30)
    ]
    chosen = decide(order, vouchers)
    assert all(saves > 0 for _, saves in chosen.applied)
    assert named_like(order, vouchers, chosen).applied == chosen.applied


def test_every_usable_voucher_is_shown_and_100_others() -> None:
    order = basket_of([Good("book", 5000)], "BELL", Buyer(), NOW)
    usable = Definition("Off", Fixed(1))
    other = Definition("Off", Fixed(1), Conditions(min_spend=9999))
    until = NOW + timedelta(days=1)
    vouchers = [Voucher(f"u{n:03}", f"u{n:03}", usable, until) for n in range(150)]
    vouchers += [Voucher(f"o{n:03}", f"o{n:03}", other, until) for n in range(150)]
    shown = decide(order, vouchers).verdicts
    assert [v.voucher_id for v in shown if v.usable] == [f"u{n:03}" for n in range(150)]
    assert [v.voucher_id for v in shown if not v.usable] == [f"o{n:03}" for n in range(MAX_OTHERS)]
