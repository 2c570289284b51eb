"""Real money is whole minor units, and its decimal text loses nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingdang.topup.money import Money, decimal_text, digits, read_decimal


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(600, "CNY"), "6.00"),
        (Money(1, "CNY"), "0.01"),
        (Money(0, "CNY"), "0.00"),
        (Money(600, "JPY"), "600"),
        (Money(1234, "KWD"), "1.234"),
    ],
)
def test_the_text_has_the_digits_of_its_currency(money: Money, text: str) -> None:
    assert decimal_text(money) == text
    assert read_decimal(text, money.currency) == money


@given(st.integers(0, 10**15), st.sampled_from(["CNY", "JPY", "KWD", "USD"]))
def test_the_text_leads_back(amount: int, currency: str) -> None:
    money = Money(amount, currency)
    assert read_decimal(decimal_text(money), currency) == money


def test_fewer_digits_are_the_same_amount() -> None:
    assert read_decimal("6", "CNY") == read_decimal("6.0", "CNY") == Money(600, "CNY")
    assert digits("USD") == 2


@pytest.mark.parametrize("text", ["", ".", "6.", "-6.00", "6.001", "６.00", "6,00", "1e3", " 6.00", "+6", "NaN"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no amount"):
        read_decimal(text, "CNY")


def test_a_currency_without_parts_has_none() -> None:
    with pytest.raises(ValueError, match="no amount"):
        read_decimal("600.0", "JPY")
