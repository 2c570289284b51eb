"""From a file's columns to a product's fields, as the one who imports says it."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from lingdang.catalog.products import ProductRecord

Row = Mapping[str, Any]
"""One row of a file: its columns, or its JSON members, by name."""

Shape = Callable[[Row], dict[str, Any]]
"""Makes a product's fields (wire names) of one row. Raises ValueError with the reason when it cannot."""

FIELDS = frozenset(field.encode_name for field in msgspec.structs.fields(ProductRecord)) - {"attributes"}
_ATTRIBUTE = "attributes."
_BRACED = re.compile(r"\{([^{}]+)\}")


class MappingError(ValueError):
    """A mapping names a field that does not exist."""


class ColumnMapping:
    """`columns` says field → column; a column with braces is a pattern over columns, `book-{book_id}`.

    A column that has the name of a field, or of `attributes.NAME`, needs no mapping. `defaults` say field → value
    where the row has none. An empty text is no value. `ignored` gathers the columns that nothing asked for.
    """

    def __init__(self, columns: Mapping[str, str], defaults: Mapping[str, Any]) -> None:
        for field in (*columns, *defaults):
            if not _is_field(field):
                raise MappingError(f"{field}: no such field; there are {', '.join(sorted(FIELDS))} and attributes.NAME")
        self._columns = columns
        self._defaults = defaults
        self._used = {name for column in columns.values() for name in _BRACED.findall(column) or [column]}
        self._own_names: dict[str, bool] = {}
        self.ignored: set[str] = set()

    def __call__(self, row: Row) -> dict[str, Any]:
        """The fields of one row. Raises ValueError when a pattern names a column that the row lacks."""
        values = dict(self._defaults)
        for column, value in row.items():
            if value is not None and value != "" and (self._own_names.get(column) or self._is_own_name(column)):
                values[column] = value
        for field, column in self._columns.items():
            value = _filled(column, row) if "{" in column else row.get(column)
            if value is not None and value != "":
                values[field] = value
        return _nested(values)

    def _is_own_name(self, column: str) -> bool:
        own = column == "attributes" or _is_field(column)
        if len(self._own_names) < 1000:
            self._own_names[column] = own
            if not own and column not in self._used:
                self.ignored.add(column)
        return own


def _is_field(name: str) -> bool:
    return name in FIELDS or (name.startswith(_ATTRIBUTE) and name != _ATTRIBUTE)


def _filled(pattern: str, row: Row) -> str:
    try:
        return _BRACED.sub(lambda braced: str(row[braced[1]]), pattern)
    except KeyError as missing:
        raise ValueError(f"{pattern}: the row has no column {missing}") from None


def _nested(values: dict[str, Any]) -> dict[str, Any]:
    """The values with `attributes.NAME` moved into `attributes`."""
    names = [name for name in values if name.startswith(_ATTRIBUTE)]
    if not names:
        return values
    attributes = values.get("attributes", {})
    if isinstance(attributes, Mapping):
        values["attributes"] = {**attributes, **{name.removeprefix(_ATTRIBUTE): values[name] for name in names}}
    for name in names:
        del values[name]
    return values


def pairs(texts: Sequence[str]) -> dict[str, str]:
    """`["title=name"]` as `{"title": "name"}`. Raises MappingError for a text without `=`."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (equals and name and value):
            raise MappingError(f"{text}: expected NAME=VALUE")
        found[name] = value
    return found
