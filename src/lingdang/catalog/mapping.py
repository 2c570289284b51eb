"""From a file's columns to a product's fields, as the one who imports says it."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import partial
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
Read = Callable[[Any], Any]
"""What a cell or a JSON value says for its field. Raises ValueError."""

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
        self._mapped = {field: self._reader(field) for field in columns}
        self._own: dict[str, tuple[str, Read] | None] = {}
        self._nests = any(field.startswith(_ATTRIBUTE) for field in columns)
        self.ignored: set[str] = set()
        try:
            self.defaults = _nested({field: self._reader(field)(value) for field, value in defaults.items()})
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
        for field, names in self._own_columns(columns).items():
            if len(names) > 1:
                raise MappingError(f"the columns {' and '.join(names)} both give the {field}: say which with --map")

    def _own_columns(self, columns: Sequence[str]) -> dict[str, list[str]]:
        """The columns that give each field by their own name alone."""
        found: dict[str, list[str]] = {}
        for column in columns:
            field = _own_field(column)
            if field is not None and field not in self._columns:
                found.setdefault(field, []).append(column)
        return found

    def __call__(self, row: Row) -> dict[str, Any]:
        """The fields that one row names. Raises ValueError for a number that is none, and for a missing column."""
        values: dict[str, Any] = {}
        own = self._own
        for column, cell in row.items():
            found = own[column] if column in own else self._find(column)
            if found is not None:
                field, read = found
                value = read(cell)
                if value is not _NO_VALUE:
                    values[field] = value
        for field, column in self._columns.items():
            value = self._mapped[field](_filled(column, row) if "{" in column else row.get(column))
            if value is not _NO_VALUE:
                values[field] = value
        return _nested(values) if self._nests else values

    def _find(self, column: str) -> tuple[str, Read] | None:
        """The field that has the column's name, if there is one, and how it is read."""
        field = _own_field(column)
        found = None if field is None else (field, self._reader(field))
        if field is not None and field.startswith(_ATTRIBUTE):
            self._nests = True
        if len(self._own) < 1000:
            self._own[column] = found
            if field is None and column not in self._used:
                self.ignored.add(column)
        return found

    def _reader(self, field: str) -> Read:
        can_be_empty = field in CAN_BE_EMPTY or field.startswith(_ATTRIBUTE)
        empty = None if self._clear_empty and can_be_empty else _NO_VALUE
        null = None if can_be_empty else _NO_VALUE
        typed = self._typed(field)

        def read(cell: Any) -> Any:
            if isinstance(cell, str):
                cell = cell.strip() if cell.isascii() else trimmed(cell)
                return typed(cell) if cell else empty
            return null if cell is None else typed(cell)

        return read

    def _typed(self, field: str) -> Read:
        """How a cell in which something stands is read."""
        if field in _NUMBERS:
            return partial(_number, field, self._notation)
        if field in _AS_SHOWN or field.startswith(_ATTRIBUTE):
            return _shown
        return {"currency": _upper, "status": _lower}.get(field, _plain)


def _number(field: str, notation: Notation, cell: Any) -> int:
    try:
        return whole(cell, notation)
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from None


def _shown(cell: Any) -> Any:
    return cell if not isinstance(cell, str) or cell.isascii() else unicodedata.normalize("NFC", cell)


def _plain(cell: Any) -> Any:
    return plain(cell) if isinstance(cell, str) else cell


def _upper(cell: Any) -> Any:
    return plain(cell).upper() if isinstance(cell, str) else cell


def _lower(cell: Any) -> Any:
    return plain(cell).lower() if isinstance(cell, str) else cell


def _own_field(column: str) -> str | None:
    """The field of this name, if there is one."""
    if column.startswith(_ATTRIBUTE) and column != _ATTRIBUTE:
        return column
    return _OWN_NAMES.get(column.casefold())


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
