"""Stripe counts some currencies otherwise than ISO 4217."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingdang.topup.money import Money
from lingdang.topup.providers.provider import Refused
from lingdang.topup.providers.stripe_amounts import from_stripe, to_stripe


@pytest.mark.parametrize(
    ("amount", "currency", "at_stripe"),
    [
        (600, "CNY", 600),
        (600, "JPY", 600),
        (600, "KRW", 600),
        (5, "ISK", 500),
        (5, "UGX", 500),
        (500, "MGA", 5),
        (5120, "KWD", 5120),
        (600, "HUF", 600),
        (600, "TWD", 600),
    ],
)
def test_each_kind_of_currency(amount: int, currency: str, at_stripe: int) -> None:
    assert to_stripe(Money(amount, currency)) == at_stripe
    assert from_stripe(at_stripe, currency.lower()) == Money(amount, currency)


@pytest.mark.parametrize(("amount", "currency"), [(550, "MGA"), (5123, "KWD")])
def test_parts_that_stripe_cannot_take_are_refused(amount: int, currency: str) -> None:
    with pytest.raises(Refused, match="amount"):
        to_stripe(Money(amount, currency))


@given(st.integers(0, 10**12), st.sampled_from(["CNY", "JPY", "ISK", "UGX", "MGA", "KWD", "USD"]))
def test_what_comes_back_is_what_was_told(amount: int, currency: str) -> None:
    try:
        told = to_stripe(Money(amount, currency))
    except Refused:
        return
    assert from_stripe(told, currency.lower()) == Money(amount, currency)
