"""What a package costs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingdang.errors import Problem
from lingdang.topup.money import Money
from lingdang.topup.packages import Package, PerBell
from lingdang.topup.pricing import Agreed, agree

SIX = Package(name="n", paid=600, bonus=60, price=Money(600, "CNY"))


def free(amount: int, bells: int) -> Package:
    return Package(name="n", per_bell=PerBell(amount, "CNY", bells), least=10, most=10**9)


def test_a_fixed_one_is_what_it_says() -> None:
    assert agree(SIX, None) == Agreed(600, 60, Money(600, "CNY"))
    assert isinstance(agree(SIX, 600), Problem)


@pytest.mark.parametrize("amount", [None, 9, 10**9 + 1, 0, -1])
def test_a_free_amount_has_bounds(amount: int | None) -> None:
    assert isinstance(agree(free(1, 1), amount), Problem)


@given(st.integers(10, 10**9), st.integers(1, 10**6), st.integers(1, 10**6))
def test_a_price_is_rounded_up_once(amount: int, price: int, bells: int) -> None:
    agreed = agree(free(price, bells), amount)
    assert isinstance(agreed, Agreed)
    assert (agreed.paid, agreed.bonus) == (amount, 0)
    assert (agreed.price.amount - 1) * bells < amount * price <= agreed.price.amount * bells
