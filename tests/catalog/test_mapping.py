"""From a file's columns to a product's fields: what a row names, what it empties, and what it leaves alone."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingdang.catalog.mapping import ColumnMapping, MappingError, pairs
from lingdang.catalog.numbers import Notation

ROW = {"id": "7", "name": "Emma", "cost": "90"}


def mapped(*texts: str, **more: Any) -> ColumnMapping:
    return ColumnMapping(pairs(texts), {}, **more)


def test_fields_come_from_their_columns_and_by_their_own_names_in_any_case() -> None:
    mapping = mapped("productId=bk-{id}", "title=name", "attributes.shelf=shelf")
    row = {**ROW, "PRICE": " ９０ ", "attributes.Year": "1815", "shelf": "x", "odd": "1"}
    assert mapping(row) == {
        "productId": "bk-7",
        "title": "Emma",
        "price": 90,
        "attributes": {"Year": "1815", "shelf": "x"},
    }
    assert mapping.ignored == {"cost", "odd"}


@pytest.mark.parametrize(
    ("cell", "clear_empty", "named"),
    [("", False, {}), ("", True, {"publisher": None}), (None, False, {"publisher": None}), ("\u200b", False, {})],
)
def test_nothing_in_a_cell(cell: str | None, clear_empty: bool, named: dict[str, Any]) -> None:
    """It leaves a field alone or empties it; null always empties what can be empty."""
    assert mapped(clear_empty=clear_empty)({"publisher": cell}) == named


@pytest.mark.parametrize("cell", ["", None])
def test_what_cannot_be_empty_is_never_emptied(cell: str | None) -> None:
    assert mapped(clear_empty=True)({"title": cell, "price": cell, "status": cell}) == {}


@pytest.mark.parametrize("empty", ["", " ", "\u200b", None])
def test_a_pattern_with_a_hole_is_no_value(empty: str | None) -> None:
    assert mapped("productId=bk-{id}-{no}")({"id": "7", "no": empty}) == {}
    assert mapped("productId=bk-{id}-{no}")({"id": "7"}) == {}


def test_codes_are_read_as_they_are_meant() -> None:
    mapping = mapped()
    assert mapping({"currency": " ｇｅｍ", "status": "Active", "productId": "ｐ－１"}) == {
        "currency": "GEM",
        "status": "active",
        "productId": "p-1",
    }
    assert mapping({"currency": 5, "attributes.new": True}) == {"currency": 5, "attributes": {"new": True}}


def test_a_number_names_its_field_when_it_is_none() -> None:
    with pytest.raises(ValueError, match="price: Expected a whole number"):
        mapped()({"price": "1.000"})
    assert mapped(notation=Notation(thousands="."))({"price": "1.000"}) == {"price": 1000}


def test_attributes_of_a_row_and_single_ones_are_one() -> None:
    mapping = mapped("attributes.a=a")
    assert mapping({"attributes": {"a": 1, "b": 2}, "a": "3"}) == {"attributes": {"a": "3", "b": 2}}
    assert mapping({"attributes": "none", "a": "3"}) == {"attributes": "none"}, "left to the check of its type"


@pytest.mark.parametrize(
    ("texts", "columns", "said"),
    [
        (["title=nmae"], ["productId", "name"], "the file has no column nmae; it has productId, name"),
        (["productId={a}-{b}"], ["a"], "the file has no column b"),
        ([], ["id", "title"], "no column gives the productId"),
        ([], ["productId", "title", "Title"], "the columns title and Title both give the title"),
    ],
)
def test_what_the_file_does_not_have(texts: list[str], columns: list[str], said: str) -> None:
    with pytest.raises(MappingError, match=said):
        mapped(*texts).check(columns)


def test_a_mapping_decides_between_two_columns() -> None:
    mapped("title=Title").check(["productId", "title", "Title"])


@pytest.mark.parametrize("default", ["price=1.5", "price=x"])
def test_a_default_that_cannot_be_is_refused(default: str) -> None:
    with pytest.raises(MappingError, match="price: Expected"):
        ColumnMapping({}, pairs([default]))


def test_defaults_are_read_like_cells() -> None:
    mapping = ColumnMapping({}, pairs(["price=１２０", "attributes.shelf=x"]))
    assert mapping.defaults == {"price": 120, "attributes": {"shelf": "x"}}


@pytest.mark.parametrize("text", ["title", "=x", "title=", ""])
def test_what_is_no_pair(text: str) -> None:
    with pytest.raises(MappingError, match="expected NAME=VALUE"):
        pairs([text])


@given(st.dictionaries(st.text(max_size=9), st.text(max_size=9) | st.none() | st.integers(), max_size=6))
def test_any_row_is_mapped_or_refused(row: dict[str, Any]) -> None:
    try:
        values = mapped()(row)
    except ValueError:
        return
    assert not any(name.startswith("attributes.") and name != "attributes." for name in values)
