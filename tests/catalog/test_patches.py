"""A product's change: what it names becomes so, what it does not name stays, and no product is made that is none."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingdang.catalog.patches import ProductPatch, changed, is_so_already, same
from lingdang.catalog.products import MAX_ATTRIBUTES, ProductView

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
EMMA = ProductView(
    product_id="emma",
    title="Emma",
    price=80,
    list_price=100,
    currency="BELL",
    publisher="Penguin",
    intro="A novel",
    cover_url=None,
    attributes={"year": 1815, "new": True},
    on_sale_from=None,
    on_sale_until=None,
    status="active",
    available=True,
    popularity=3,
    created_at=NOW,
    updated_at=NOW,
)


def patch(**fields: Any) -> ProductPatch:
    return msgspec.convert({"productId": "emma", **fields}, ProductPatch)


def view(**fields: Any) -> ProductView:
    return msgspec.structs.replace(EMMA, **fields)


def test_what_it_names_and_nothing_else() -> None:
    made = changed(EMMA, patch(title="Emma, again", publisher=None, intro=None))
    assert (made.title, made.publisher, made.intro) == ("Emma, again", None, "")
    assert (made.price, made.list_price, made.attributes) == (80, 100, EMMA.attributes)


@pytest.mark.parametrize(
    ("before", "fields", "price", "list_price"),
    [
        ({}, {"price": 90}, 90, 100),
        ({}, {"price": 120}, 120, 120),
        ({"price": 100}, {"price": 120}, 120, 120),
        ({"price": 100}, {"price": 90}, 90, 90),
        ({}, {"listPrice": 150}, 80, 150),
        ({}, {"listPrice": None}, 80, None),
    ],
)
def test_a_list_price_that_was_the_price_follows_it(
    before: dict[str, Any], fields: dict[str, Any], price: int, list_price: int | None
) -> None:
    made = changed(view(**before), patch(**fields))
    assert made.price == price
    assert made.list_price in (list_price, made.price if list_price is None else list_price)


def test_attributes_are_changed_one_by_one() -> None:
    assert changed(EMMA, patch(attributes={"new": None, "a": 1})).attributes == {"year": 1815, "a": 1}
    assert changed(EMMA, patch(attributes=None)).attributes == {}


def test_what_would_be_no_product_is_refused() -> None:
    with pytest.raises(ValueError, match=r".+"):
        changed(EMMA, patch(listPrice=79))
    full = {f"a{n}": n for n in range(MAX_ATTRIBUTES - 1)}
    with pytest.raises(ValueError, match="with those that the product has"):
        changed(EMMA, patch(attributes=full))


@pytest.mark.parametrize(
    ("fields", "so"),
    [
        ({}, True),
        ({"title": "Emma", "price": 80}, True),
        ({"title": "emma"}, False),
        ({"coverUrl": None}, False),
        ({"attributes": {"year": 1815}}, False),
    ],
)
def test_whether_it_is_so_already_is_told_by_values_alone(fields: dict[str, Any], so: bool) -> None:
    assert is_so_already(EMMA, patch(**fields)) == so


@given(st.sampled_from([{"new": 1}, {"new": True}, {"year": 1815.0}, {"a": ""}]), st.integers(80, 200))
def test_what_was_changed_is_the_same_only_as_itself(attributes: dict[str, Any], list_price: int) -> None:
    made = changed(EMMA, patch(attributes=attributes, listPrice=list_price))
    after = view(attributes=dict(made.attributes), list_price=list_price)
    assert same(after, made)
    same_types = all(type(value) is type(EMMA.attributes.get(name)) for name, value in made.attributes.items())
    assert same(EMMA, made) == (made.attributes == EMMA.attributes and same_types and list_price == 100)
