"""The chosen combination against brute force, and the sums of every answer."""

from datetime import UTC, datetime, timedelta
from itertools import combinations

import msgspec
from hypothesis import event, given, settings
from hypothesis import strategies as st

from lingdang.coupons.combine import Candidate, apply, conflicts
from lingdang.coupons.cuts import Cut
from lingdang.coupons.deciding import decide, judge
from lingdang.coupons.goods import Buyer, Good, Order, Voucher, order_of
from lingdang.coupons.model import (
    BuyPay,
    Conditions,
    Definition,
    Effect,
    Fixed,
    FixedPrice,
    FreeProduct,
    NthItem,
    Percent,
    SpendSave,
    Stacking,
)
from lingdang.coupons.search import best

NOW = datetime(2026, 11, 23, tzinfo=UTC)
PRODUCTS = [f"book-{n}" for n in range(8)]
bells = st.integers(1, 300)

effects: st.SearchStrategy[Effect] = st.one_of(
    st.builds(Percent, st.integers(1, 100), st.none() | bells),
    st.builds(Fixed, bells),
    st.tuples(bells, bells, st.booleans()).map(lambda t: SpendSave(max(t[:2]), min(t[:2]), t[2])),
    st.builds(FixedPrice, st.integers(0, 200)),
    st.builds(NthItem, st.integers(2, 4), st.integers(1, 100)),
    st.tuples(st.integers(2, 4), st.integers(1, 3)).filter(lambda t: t[1] < t[0]).map(lambda t: BuyPay(*t)),
    st.builds(FreeProduct, st.sampled_from(PRODUCTS)),
)
some_products = st.none() | st.frozensets(st.sampled_from(PRODUCTS), min_size=1)
conditions = st.builds(
    Conditions,
    min_spend=st.none() | bells,
    min_count=st.none() | st.integers(2, 4),
    products=some_products,
    first_purchase=st.booleans(),
    groups=st.none() | st.just(frozenset({"vip"})),
)
stackings = st.builds(
    Stacking,
    exclusive=st.sampled_from([False, False, False, True]),
    group=st.sampled_from([None, None, None, "a", "b"]),
    order=st.integers(0, 2),
)
definitions = st.builds(Definition, name=st.just("Voucher"), effect=effects, conditions=conditions, stacking=stackings)


@st.composite
def held(draw: st.DrawFn, most: int = 9) -> list[Voucher]:
    """Vouchers of a few coupons, several of some of them."""
    coupons = draw(st.lists(definitions, min_size=1, max_size=5))
    kept = []
    for number in range(draw(st.integers(0, most))):
        coupon = draw(st.integers(0, len(coupons) - 1))
        expires_at = NOW + timedelta(days=draw(st.sampled_from([-1, 0, 1, 2, 3, 3, 3, 3])))
        status = draw(st.sampled_from(["active"] * 8 + ["paused", "withdrawn"]))
        kept.append(Voucher(f"v{number:02}", f"c{coupon}", coupons[coupon], expires_at, status))
    return kept


@st.composite
def orders(draw: st.DrawFn) -> Order:
    ids = draw(st.lists(st.sampled_from(PRODUCTS), min_size=1, unique=True))
    goods = [Good(i, draw(st.integers(0, 300))) for i in ids]
    buyer = Buyer(draw(st.booleans()), draw(st.sampled_from([frozenset(), frozenset({"vip"})])))
    return order_of(goods, "BELL", buyer, NOW)


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


@settings(max_examples=3000)
@given(orders(), held())
def test_best_is_brute_force(order: Order, vouchers: list[Voucher]) -> None:
    prices = [good.price for good in order.goods]
    candidates = [c for c in (judge(voucher, order) for voucher in vouchers) if isinstance(c, Candidate)]
    event(f"{len(candidates)} usable")
    chosen = best(candidates, prices)
    assert chosen.proven
    assert chosen.candidates == brute_force(candidates, prices)


@settings(max_examples=1000)
@given(orders(), held(20), st.randoms())
def test_sums_agree_in_any_order(order: Order, vouchers: list[Voucher], random: "st.Random") -> None:  # type: ignore[name-defined]
    decision = decide(order, vouchers)
    prices = {good.product_id: good.price for good in order.goods}
    discount = sum(decision.discounts.values())
    assert decision.discounts.keys() == prices.keys()
    assert all(0 <= decision.discounts[i] <= price for i, price in prices.items())
    assert discount == sum(saves for _, saves in decision.applied)
    assert {v.voucher_id: v.saves for v in decision.verdicts if v.applied} == dict(decision.applied)
    assert all(saves > 0 for _, saves in decision.applied)
    for verdict in decision.verdicts:
        assert verdict.usable == (verdict.saves > 0)
        assert verdict.applied or verdict.reason is not None or not decision.proven
        assert not (verdict.applied and verdict.reason)
    shuffled, goods = random.sample(vouchers, len(vouchers)), random.sample(order.goods, len(order.goods))
    again = decide(order_of(goods, order.currency, order.buyer, order.now), shuffled)
    assert (again.discounts, again.applied, again.proven) == (decision.discounts, decision.applied, decision.proven)
    by_id = {v.voucher_id: v for v in again.verdicts}
    assert all(by_id[v.voucher_id] == v for v in decision.verdicts)


@settings(max_examples=500)
@given(orders(), held(12))
def test_naming_the_applied_gives_the_same(order: Order, vouchers: list[Voucher]) -> None:
    chosen = decide(order, vouchers)
    named = decide(order, vouchers, [voucher_id for voucher_id, _ in chosen.applied])
    assert (named.discounts, named.applied) == (chosen.discounts, chosen.applied)


@settings(max_examples=1000)
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


@settings(max_examples=300)
@given(definitions)
def test_a_definition_survives_json(definition: Definition) -> None:
    assert msgspec.json.decode(msgspec.json.encode(definition), type=Definition) == definition
