"""Attributes that the shop reads have their type, however they were written; all others stay as they are."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingdang.catalog.attributes import typed

VALUES = st.text(max_size=20) | st.integers() | st.floats(allow_nan=False) | st.booleans()


@pytest.mark.parametrize(
    ("name", "written", "read"),
    [
        ("authors", 1984, "1984"),
        ("authors", 1.5, "1.5"),
        ("authors", True, True),
        ("categories", 7, "7"),
        ("averageRating", "4", 4),
        ("averageRating", " 4.25\t", 4.25),
        ("averageRating", "-0.5", -0.5),
        ("averageRating", "4,25", "4,25"),
        ("averageRating", "1e3", "1e3"),
        ("averageRating", "٤", "٤"),
        ("averageRating", "", ""),
        ("averageRating", "9" * 16, "9" * 16),
        ("averageRating", True, True),
        ("year", "1984", "1984"),
    ],
)
def test_each_has_its_type(name: str, written: Any, read: Any) -> None:
    found = typed({name: written})[name]
    assert (found, type(found)) == (read, type(read))


@given(st.dictionaries(st.sampled_from(["authors", "categories", "averageRating", "year"]), VALUES))
def test_what_is_typed_stays_so(attributes: dict[str, Any]) -> None:
    once = typed(attributes)
    assert once.keys() == attributes.keys()
    assert typed(once) == once
