"""What each kind of effect takes off the lines that it is for, at the edges of its figures."""

from typing import Any

import pytest

from lingdang.coupons.cuts import Amount, DownTo, Share
from lingdang.coupons.goods import Buyer, Good, basket_of
from lingdang.coupons.kinds import cut_of
from lingdang.coupons.model import BuyPay, Effect, Fixed, FixedPrice, FreeProduct, NthItem, Percent, SpendSave
from lingdang.coupons.reasons import Reason
from support.drawn import NOW

ORDER = basket_of([Good("a", 30), Good("b", 50), Good("c", 50), Good("d", 20)], "BELL", Buyer(), NOW)
ALL = ORDER.lines
"""Together 150; from the dearest: b, c, a, d."""


@pytest.mark.parametrize(
    ("effect", "cut"),
    [
        (Percent(20), Share(ALL, 20)),
        (Percent(20, 5), Share(ALL, 20, 5)),
        (Fixed(500), Amount(ALL, 500)),
        (SpendSave(150, 40), Amount(ALL, 40)),
        (SpendSave(75, 10), Amount(ALL, 10)),
        (SpendSave(75, 10, every=True), Amount(ALL, 20)),
        (SpendSave(10, 10, every=True, cap=99), Amount(ALL, 99)),
        (FixedPrice(25), DownTo(ALL, 25)),
        (NthItem(2, 50), Share((2, 3), 50)),
        (NthItem(4, 100), Share((3,), 100)),
        (BuyPay(2, 1), Share((2, 3), 100)),
        (BuyPay(3, 1), Share((2, 0), 100)),
        (BuyPay(4, 3), Share((3,), 100)),
        (FreeProduct("d"), Share((3,), 100)),
    ],
)
def test_cut(effect: Effect, cut: Any) -> None:
    assert cut_of(effect, ALL, ORDER) == cut


@pytest.mark.parametrize(
    ("effect", "code", "figures"),
    [
        (SpendSave(151, 1), "min_spend", {"required": 151, "missing": 1}),
        (NthItem(5, 50), "min_count", {"required": 5, "missing": 1}),
        (BuyPay(6, 1), "min_count", {"required": 6, "missing": 2}),
        (FreeProduct("z"), "product_missing", {"productId": "z"}),
    ],
)
def test_what_is_missing(effect: Effect, code: str, figures: dict[str, Any]) -> None:
    assert cut_of(effect, ALL, ORDER) == Reason(code, figures)


def test_only_the_lines_that_it_is_for_count() -> None:
    assert cut_of(BuyPay(2, 1), (0, 3), ORDER) == Share((3,), 100)
    assert cut_of(SpendSave(51, 1), (0, 3), ORDER) == Reason("min_spend", {"required": 51, "missing": 1})


def test_what_is_no_kind_is_a_fault_of_the_program() -> None:
    with pytest.raises(AssertionError, match="no cut"):
        cut_of("half off", ALL, ORDER)
