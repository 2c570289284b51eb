"""Why a row was not taken: one line, in words for whoever made the file."""

from typing import Any

import msgspec
import pytest

from lingdang.catalog.patches import ProductPatch
from lingdang.catalog.reasons import reason_of


def refused(**fields: Any) -> ValueError:
    with pytest.raises(msgspec.ValidationError) as raised:
        msgspec.convert({"productId": "a", **fields}, ProductPatch)
    return raised.value


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"productId": "a b"}, "productId: Expected 1 to 64 of A-Z a-z 0-9 . _ : -"),
        ({"currency": "bell"}, "currency: Expected a currency, 1 to 16 of A-Z 0-9 _"),
        ({"coverUrl": "javascript:x"}, "coverUrl: Expected an address that begins with http:// or https://, without"),
        ({"title": "a\nb"}, "title: Expected no control characters, such as line ends"),
        ({"status": "sold"}, "status: Expected active or withdrawn, got 'sold'"),
        ({"onSaleFrom": "tomorrow"}, "onSaleFrom: Expected a moment with its zone, such as 2027-01-31T16:00:00Z"),
        ({"attributes": {"a b": 1}}, "attributes: Expected names of 1 to 64 of A-Z a-z 0-9 . _ -"),
        ({"price": "x"}, "price: Expected `int`, got `str`"),
        ({"colour": "red"}, "Object contains unknown field `colour`"),
    ],
)
def test_it_says_what_is_expected_where(fields: dict[str, Any], reason: str) -> None:
    assert reason_of(refused(**fields)).startswith(reason)


@pytest.mark.parametrize(("cell", "lines"), [("a\nb", 2), ("a\r\nb\rc", 3), ("a", None)])
def test_a_row_of_several_lines_says_so(cell: str, lines: int | None) -> None:
    said = reason_of(ValueError("Odd"), {"title": cell, "price": 5})
    assert said == ("Odd" if lines is None else f"Odd (the row has {lines} lines: was a quote not closed?)")


def test_without_a_row_the_reason_stands_alone() -> None:
    assert reason_of(ValueError("Odd")) == "Odd"
