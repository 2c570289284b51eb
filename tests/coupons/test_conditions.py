"""Whether a voucher may be used at all, on which lines, and what is missing."""

from datetime import timedelta
from typing import Any

import pytest

from lingdang.coupons.conditions import eligible, missing_count, refuse, refuse_lines, refuse_spend
from lingdang.coupons.goods import Basket, Buyer, Good, Voucher, basket_of
from lingdang.coupons.model import Conditions, Definition, Fixed, FreeProduct
from support.drawn import NOW

TOMORROW = NOW + timedelta(days=1)
GOODS = [
    Good("a", 100, "Penguin", ("Sci-Fi", "classics")),
    Good("b", 50, "Ace"),
    Good("c", 0, None, ("poems",)),
]


ANYBODY = Buyer()
WITHOUT = Conditions()


def order(buyer: Buyer = ANYBODY) -> Basket:
    return basket_of(GOODS, "BELL", buyer, NOW)


def voucher(conditions: Conditions = WITHOUT, **more: Any) -> Voucher:
    definition = Definition("V", more.pop("effect", Fixed(10)), conditions, **more.pop("definition", {}))
    return Voucher("v", "c", definition, more.pop("expires_at", TOMORROW), **more)


@pytest.mark.parametrize(
    ("held", "buyer", "code"),
    [
        (voucher(), Buyer(), None),
        (voucher(status="paused"), Buyer(), "paused"),
        (voucher(status="withdrawn", expires_at=NOW), Buyer(), "withdrawn"),
        (voucher(expires_at=NOW), Buyer(), "expired"),
        (voucher(expires_at=NOW + timedelta(microseconds=1)), Buyer(), None),
        (voucher(definition={"valid_from": NOW + timedelta(microseconds=1)}), Buyer(), "not_started"),
        (voucher(definition={"valid_from": NOW}), Buyer(), None),
        (voucher(definition={"currency": "GEM"}), Buyer(), "other_currency"),
        (voucher(Conditions(groups=frozenset({"vip"}))), Buyer(), "not_in_group"),
        (voucher(Conditions(groups=frozenset({"vip", "x"}))), Buyer(groups=frozenset({"x"})), None),
        (voucher(Conditions(first_purchase=True)), Buyer(first_purchase=False), "not_first_purchase"),
        (voucher(Conditions(first_purchase=True)), Buyer(), None),
    ],
)
def test_who_may_use_it_and_when(held: Voucher, buyer: Buyer, code: str | None) -> None:
    reason = refuse(held, order(buyer))
    assert (reason.code if reason else None) == code
    assert reason is None or reason.explained()["en"]


@pytest.mark.parametrize(
    ("conditions", "lines"),
    [
        (Conditions(), (0, 1, 2)),
        (Conditions(products=frozenset({"a", "z"})), (0,)),
        (Conditions(excluded_products=frozenset({"a"})), (1, 2)),
        (Conditions(publishers=frozenset({"ace"})), (1,)),
        (Conditions(categories=frozenset({"SCI-FI", "poems"})), (0, 2)),
        (Conditions(publishers=frozenset({"Penguin"}), categories=frozenset({"poems"})), ()),
        (Conditions(products=frozenset({"a", "b"}), excluded_products=frozenset({"b"})), (0,)),
    ],
)
def test_the_lines_that_it_is_for(conditions: Conditions, lines: tuple[int, ...]) -> None:
    assert eligible(voucher(conditions), order()) == lines


def test_a_free_product_does_not_earn_itself() -> None:
    assert eligible(voucher(effect=FreeProduct("a")), order()) == (1, 2)


@pytest.mark.parametrize(
    ("conditions", "lines", "said"),
    [
        (Conditions(), (), {"code": "products_not_eligible"}),
        (Conditions(min_count=3), (0, 1), {"code": "min_count", "required": 3, "missing": 1}),
        (Conditions(min_count=2), (0, 1), None),
        (Conditions(min_spend=151), (0, 1), {"code": "min_spend", "required": 151, "missing": 1}),
        (Conditions(min_spend=150), (0, 1), None),
    ],
)
def test_what_is_missing(conditions: Conditions, lines: tuple[int, ...], said: dict[str, Any] | None) -> None:
    reason = refuse_lines(conditions, lines, order())
    assert (None if reason is None else {"code": reason.code, **reason.figures}) == said


def test_the_figures_say_how_far_it_is() -> None:
    assert refuse_spend(10, 10) is None
    spend = refuse_spend(10, 0)
    assert spend is not None
    assert spend.figures == {"required": 10, "missing": 10}
    assert missing_count(3, 1).figures == {"required": 3, "missing": 2}
