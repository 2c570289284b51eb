"""What a package costs."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingdang.errors import Problem
from lingdang.topup.money import Money
from lingdang.topup.packages import Package, PerBell
from lingdang.topup.pricing import Terms, agree, refuse_other

SIX = Package(name="n", paid=600, bonus=60, bonus_expires_after_days=90, price=Money(600, "CNY"))


def free(amount: int, bells: int) -> Package:
    return Package(name="n", per_bell=PerBell(amount, "CNY", bells), least=10, most=10**9)


def test_a_fixed_one_is_what_it_says() -> None:
    assert agree(SIX, None) == Terms("BELL", 600, 60, Money(600, "CNY"), 90)
    assert isinstance(agree(SIX, 600), Problem)


@pytest.mark.parametrize("amount", [None, 9, 10**9 + 1, 0, -1])
def test_a_free_amount_has_bounds(amount: int | None) -> None:
    assert isinstance(agree(free(1, 1), amount), Problem)


@given(st.integers(10, 10**9), st.integers(1, 10**6), st.integers(1, 10**6))
def test_a_price_is_rounded_up_once(amount: int, price: int, bells: int) -> None:
    agreed = agree(free(price, bells), amount)
    assert isinstance(agreed, Terms)
    assert (agreed.paid, agreed.bonus) == (amount, 0)
    assert (agreed.price.amount - 1) * bells < amount * price <= agreed.price.amount * bells


NOW = Terms("BELL", 600, 60, Money(600, "CNY"), 90)


@pytest.mark.parametrize(
    "changed",
    [
        {"price": Money(700, "CNY")},
        {"price": Money(600, "HKD")},
        {"paid": 599},
        {"bonus": 59},
        {"bonus_expires_after_days": None},
        {"currency": "GEM"},
    ],
)
def test_other_terms_than_were_shown_are_refused_with_those_of_now(changed: dict[str, Any]) -> None:
    with pytest.raises(Problem, match="terms_changed") as refused:
        refuse_other(msgspec.structs.replace(NOW, **changed), NOW)
    assert refused.value.members == {"terms": NOW}


def test_terms_that_were_shown_or_that_nobody_names_are_good() -> None:
    refuse_other(None, NOW)
    refuse_other(NOW, NOW)
    bare = msgspec.structs.replace(NOW, bonus=0)
    refuse_other(msgspec.structs.replace(bare, bonus_expires_after_days=None), bare)
