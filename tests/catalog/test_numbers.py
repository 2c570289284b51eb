"""Whole numbers are read digit by digit, and what could be read in two ways is refused."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lingdang.catalog.numbers import Notation, whole

ENGLISH = Notation(thousands=",", decimal=".")
GERMAN = Notation(thousands=".", decimal=",")


@given(st.integers(-(10**30) + 1, 10**30 - 1))
def test_every_number_is_read_in_every_notation(number: int) -> None:
    assert whole(number) == whole(str(number)) == number
    assert whole(f"{number:,}", ENGLISH) == whole(f"{number:,}.00", ENGLISH) == number
    assert whole(f"{number:,}".replace(",", ".") + ",0", GERMAN) == number
    assert whole(f"{number:,}".replace(",", " "), Notation(thousands=" ")) == number


@example("\U00018cd6" * 20)
@given(st.text() | st.floats() | st.booleans() | st.none())
def test_anything_else_is_refused_with_a_short_sentence(value: Any) -> None:
    try:
        found = whole(value)
    except ValueError as refused:
        assert len(str(refused)) < 120  # noqa: PT017 - what is no number may come out as one or be refused
    else:
        assert type(found) is int


@pytest.mark.parametrize(
    ("text", "notation"),
    [
        ("2.500", Notation()),
        ("2,500", GERMAN),
        ("2.5", ENGLISH),
        ("1,00", ENGLISH),
        (",500", ENGLISH),
        ("1,2345", ENGLISH),
        ("1.000.00", GERMAN),
        ("1e3", ENGLISH),
        ("--1", ENGLISH),
        ("+1", ENGLISH),
        ("10²", ENGLISH),
        ("", ENGLISH),
        ("9" * 31, ENGLISH),
    ],
)
def test_what_is_not_written_in_the_notation(text: str, notation: Notation) -> None:
    with pytest.raises(ValueError, match="Expected a whole number in digits alone"):
        whole(text, notation)


@pytest.mark.parametrize("value", [5.0, True, None, [5], {"a": 5}])
def test_a_value_of_another_type_is_no_number(value: Any) -> None:
    with pytest.raises(ValueError, match="Expected a whole number"):
        whole(value)


def test_full_width_digits_count() -> None:
    assert whole("　１２００ ") == 1200
