"""A product's change: the fields that it names, and the product that comes of it. What it does not name stays."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from lingdang.catalog.products import (
    MAX_ATTRIBUTES,
    AttributeName,
    AttributeValue,
    CoverUrl,
    Intro,
    Popularity,
    ProductInput,
    ProductView,
    Publisher,
    Status,
    Title,
)
from lingdang.ids import Currency, Price, ProductId
from lingdang.moments import Moment


class ProductChange(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The fields that a change names. None empties a field; of `attributes` only those named change."""

    title: Title | UnsetType = UNSET
    price: Price | UnsetType = UNSET
    list_price: Price | UnsetType | None = UNSET
    currency: Currency | UnsetType = UNSET
    publisher: Publisher | UnsetType | None = UNSET
    intro: Intro | UnsetType | None = UNSET
    cover_url: CoverUrl | UnsetType | None = UNSET
    attributes: dict[AttributeName, AttributeValue | None] | UnsetType | None = UNSET
    on_sale_from: Moment | UnsetType | None = UNSET
    on_sale_until: Moment | UnsetType | None = UNSET
    status: Status | UnsetType = UNSET
    popularity: Popularity | UnsetType = UNSET


class ProductPatch(ProductChange, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A change of an import: with the product's id."""

    product_id: ProductId


_EMPTY_TEXT = {"intro": ""}
_FIELDS = ProductInput.__struct_fields__


def changed(product: ProductView, patch: ProductChange) -> ProductInput:
    """What `product` is with the change. A list price that was the price follows it, and is never below it.

    Raises ValueError when that is no product.
    """
    values: dict[str, Any] = {field: getattr(product, field) for field in _FIELDS}
    named = {field: value for field in _FIELDS if (value := getattr(patch, field)) is not UNSET}
    values |= {field: _EMPTY_TEXT.get(field) if value is None else value for field, value in named.items()}
    values["attributes"] = _attributes(product, named)
    if "list_price" not in named:
        reduced = product.list_price > product.price
        values["list_price"] = max(product.list_price, values["price"]) if reduced else values["price"]
    return ProductInput(**values)


def is_so_already(product: ProductView, patch: ProductChange) -> bool:
    """Whether `product` has all that the change names, as far as is told by the values alone."""
    for field in _FIELDS:
        value = getattr(patch, field)
        if value is not UNSET and (value is None or field == "attributes" or value != getattr(product, field)):
            return False
    return True


def _attributes(product: ProductView, named: dict[str, Any]) -> dict[str, Any]:
    if "attributes" not in named:
        return product.attributes
    if named["attributes"] is None:
        return {}
    merged = {name: value for name, value in (product.attributes | named["attributes"]).items() if value is not None}
    if len(merged) > MAX_ATTRIBUTES:
        raise ValueError(f"Expected at most {MAX_ATTRIBUTES} attributes, with those that the product has")
    return merged


def same(product: ProductView, wanted: ProductInput) -> bool:
    """Whether `product` is as it is wanted."""
    list_price = wanted.price if wanted.list_price is None else wanted.list_price
    fields = (field for field in _FIELDS if field != "list_price")
    return (
        product.list_price == list_price
        and all(getattr(product, field) == getattr(wanted, field) for field in fields)
        # To Python, 1 and true are equal.
        and all(type(value) is type(wanted.attributes[name]) for name, value in product.attributes.items())
    )
