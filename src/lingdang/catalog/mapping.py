"""From a file's columns to a product's fields, as the one who imports says it."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from lingdang.catalog.numbers import DIGITS_ALONE, Notation, whole
from lingdang.catalog.products import ProductRecord
from lingdang.catalog.text import plain, trimmed

Row = Mapping[str, Any]
"""One row of a file: its columns, or its JSON members, by name."""

Shape = Callable[[Row], dict[str, Any]]
"""Makes the fields (wire names) that one row names. A field that is None is to be emptied. Raises ValueError with the
reason when it cannot."""

FIELDS = frozenset(field.encode_name for field in msgspec.structs.fields(ProductRecord)) - {"attributes"}
CAN_BE_EMPTY = frozenset(("listPrice", "publisher", "intro", "coverUrl", "onSaleFrom", "onSaleUntil", "attributes"))
_NUMBERS = frozenset(("price", "listPrice", "popularity"))
_AS_SHOWN = frozenset(("title", "publisher", "intro"))
_ATTRIBUTE = "attributes."
_BRACED = re.compile(r"\{([^{}]+)\}")
_OWN_NAMES = {name.casefold(): name for name in (*FIELDS, "attributes")}

_NO_VALUE: Any = object()


class MappingError(ValueError):
    """A mapping names a field or a column that does not exist, or a default that cannot be."""


class ColumnMapping:
    """`columns` says field → column; a column with braces is a pattern over columns, `book-{book_id}`.

    A column that has the name of a field, or of `attributes.NAME`, needs no mapping, in whatever case. An empty text
    is no value, unless `clear_empty` says that it empties the field. `notation` is that of numbers in text. `defaults`
    say field → value where neither the row nor the product has one; whoever uses the mapping fills them in.
    `ignored` gathers the columns that nothing asked for.
    """

    def __init__(
        self,
        columns: Mapping[str, str],
        defaults: Mapping[str, Any],
        notation: Notation = DIGITS_ALONE,
        *,
        clear_empty: bool = False,
    ) -> None:
        for field in (*columns, *defaults):
            if not _is_field(field):
                raise MappingError(f"{field}: no such field; there are {', '.join(sorted(FIELDS))} and attributes.NAME")
        self._notation = notation
        self._clear_empty = clear_empty
        self._columns = {field: column if "{" in column else plain(column) for field, column in columns.items()}
        self._used = {name for column in self._columns.values() for name in _BRACED.findall(column) or [column]}
        self._fields: dict[str, str | None] = {}
        self.ignored: set[str] = set()
        try:
            self.defaults = _nested({field: self._read(field, value) for field, value in defaults.items()})
        except ValueError as error:
            raise MappingError(str(error)) from None

    def check(self, columns: Sequence[str]) -> None:
        """Raises MappingError when a column of the mapping is not among the file's, or none gives the productId."""
        listed = ", ".join(columns)
        missing = sorted(self._used.difference(columns))
        if missing:
            raise MappingError(f"the file has no column {', '.join(missing)}; it has {listed}")
        if "productId" not in self._columns and "productId" not in map(_own_field, columns):
            raise MappingError(f"no column gives the productId (see --map); the file has {listed}")

    def __call__(self, row: Row) -> dict[str, Any]:
        """The fields that one row names. Raises ValueError for a number that is none, and for a missing column."""
        values: dict[str, Any] = {}
        fields = self._fields
        for column, cell in row.items():
            field = fields[column] if column in fields else self._field_of(column)
            if field is not None:
                value = self._read(field, cell)
                if value is not _NO_VALUE:
                    values[field] = value
        for field, column in self._columns.items():
            value = self._read(field, _filled(column, row) if "{" in column else row.get(column))
            if value is not _NO_VALUE:
                values[field] = value
        return _nested(values)

    def _field_of(self, column: str) -> str | None:
        field = _own_field(column)
        if len(self._fields) < 1000:
            self._fields[column] = field
            if field is None and column not in self._used:
                self.ignored.add(column)
        return field

    def _read(self, field: str, value: Any) -> Any:
        if isinstance(value, str):
            value = trimmed(value)
            if not value:
                return None if self._clear_empty and _can_be_empty(field) else _NO_VALUE
        elif value is None:
            return None if _can_be_empty(field) else _NO_VALUE
        try:
            return self._typed(field, value)
        except ValueError as error:
            raise ValueError(f"{field}: {error}") from None

    def _typed(self, field: str, value: Any) -> Any:
        if field in _NUMBERS:
            return whole(value, self._notation)
        if not isinstance(value, str):
            return value
        if not value.isascii():
            shown = field in _AS_SHOWN or field.startswith(_ATTRIBUTE)
            value = unicodedata.normalize("NFC", value) if shown else plain(value)
        if field == "currency":
            return value.upper()
        return value.lower() if field == "status" else value


def _own_field(column: str) -> str | None:
    """The field of this name, if there is one."""
    if column.startswith(_ATTRIBUTE) and column != _ATTRIBUTE:
        return column
    return _OWN_NAMES.get(column.casefold())


def _can_be_empty(field: str) -> bool:
    return field in CAN_BE_EMPTY or field.startswith(_ATTRIBUTE)


def _is_field(name: str) -> bool:
    return name in FIELDS or (name.startswith(_ATTRIBUTE) and name != _ATTRIBUTE)


def _filled(pattern: str, row: Row) -> str | None:
    """The pattern with the row's values in it; None when one of them is empty."""
    names = _BRACED.findall(pattern)
    values = {name: row.get(name) for name in names}
    if any(value is None or not trimmed(str(value)) for value in values.values()):
        return None
    return _BRACED.sub(lambda braced: trimmed(str(values[braced[1]])), pattern)


def _nested(values: dict[str, Any]) -> dict[str, Any]:
    """The values with `attributes.NAME` moved into `attributes`."""
    names = [name for name in values if name.startswith(_ATTRIBUTE)]
    if not names:
        return values
    attributes = values.get("attributes") or {}
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
