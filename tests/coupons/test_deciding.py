"""The sums of every answer agree, in whatever order a request names things; and what is applied may be named."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from lingdang.coupons.deciding import decide
from lingdang.coupons.goods import Basket, Voucher, basket_of
from support.drawn import held, orders


@given(orders(), held(20), st.randoms())
def test_sums_agree_in_any_order(order: Basket, vouchers: list[Voucher], random: Random) -> None:
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
    again = decide(basket_of(goods, order.currency, order.buyer, order.now), shuffled)
    assert (again.discounts, again.applied, again.proven) == (decision.discounts, decision.applied, decision.proven)
    by_id = {v.voucher_id: v for v in again.verdicts}
    assert all(by_id[v.voucher_id] == v for v in decision.verdicts)


@given(orders(), held(12))
def test_naming_the_applied_gives_the_same(order: Basket, vouchers: list[Voucher]) -> None:
    chosen = decide(order, vouchers)
    named = decide(order, vouchers, [voucher_id for voucher_id, _ in chosen.applied])
    assert (named.discounts, named.applied) == (chosen.discounts, chosen.applied)
