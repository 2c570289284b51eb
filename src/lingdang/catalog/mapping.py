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
            if field not in FIELDS and not (field.startswith(_ATTRIBUTE) and field != _ATTRIBUTE):
                raise MappingError(f"{field}: no such field; there are {', '.join(sorted(FIELDS))} and attributes.NAME")
        self._columns = columns
        self._defaults = defaults
        self._used = {column for column in columns.values() if "{" not in column}
        self.ignored: set[str] = set()

    def __call__(self, row: Row) -> dict[str, Any]:
        """The fields of one row. Raises ValueError when a pattern names a column that the row lacks."""
        values: dict[str, Any] = dict(self._defaults)
        for column, value in row.items():
            if column in FIELDS or column.startswith(_ATTRIBUTE) or column == "attributes":
                _put(values, column, value)
            elif column not in self._used and len(self.ignored) < 100:
                self.ignored.add(column)
        for field, column in self._columns.items():
            _put(values, field, _filled(column, row) if "{" in column else row.get(column))
        return _nested(values)


def _put(values: dict[str, Any], field: str, value: Any) -> None:
    if value is not None and value != "":
        values[field] = value


def _filled(pattern: str, row: Row) -> str:
    try:
        return _BRACED.sub(lambda braced: str(row[braced[1]]), pattern)
    except KeyError as missing:
        raise ValueError(f"{pattern}: the row has no column {missing}") from None


def _nested(values: dict[str, Any]) -> dict[str, Any]:
    attributes = {name.removeprefix(_ATTRIBUTE): values[name] for name in values if name.startswith(_ATTRIBUTE)}
    if not attributes:
        return values
    fields = {name: value for name, value in values.items() if not name.startswith(_ATTRIBUTE)}
    given = fields.get("attributes", {})
    return {**fields, "attributes": {**given, **attributes} if isinstance(given, Mapping) else given}


def pairs(texts: Sequence[str]) -> dict[str, str]:
    """`["title=name"]` as `{"title": "name"}`. Raises MappingError for a text without `=`."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (equals and name and value):
            raise MappingError(f"{text}: expected NAME=VALUE")
        found[name] = value
    return found
