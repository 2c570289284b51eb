"""The form of the files: one row has one kind, and the same fields in JSON Lines and in CSV.

Past orders have lines, and so stand in JSON Lines alone.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from lingdang import moments
from lingdang.catalog.numbers import whole
from lingdang.catalog.products import Title
from lingdang.catalog.rows import FileError, Parsed, Source
from lingdang.clock import rfc3339
from lingdang.ids import DEFAULT_CURRENCY, ID_PATTERN, MAX_AMOUNT, Currency, CustId, ProductId, in_words

_PLACE = re.compile(r"(?P<what>.*?)(?: - at `(?:key in )?\$\.?(?P<where>[^`]*)`)?\Z", re.DOTALL)
_NAMED = re.compile(r"field `(?P<where>\w+)`")
_SEPARATORS = re.compile(r"[;\s]+")
_READABLE = 43
"""A product's id that is longer is hashed in a grant's id, which has 64 characters at most."""

NAME_PATTERN = re.compile(r"[A-Za-z0-9._-]{1,16}\Z")
NAME_RULE = "1 to 16 of A-Z a-z 0-9 . _ -"
"""A move's name begins the ids of its credits and grants."""

MAX_GROUPS = 50
"""Of one row; a customer may have several rows."""
MAX_ORDER_ID = 64


class CustomerRow(
    msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, rename="camel", tag_field="kind", tag="customer"
):
    """A customer, with the groups that conditions of vouchers name, and since when the platform has known them."""

    cust_id: CustId
    groups: Annotated[list[Annotated[str, Meta(pattern=ID_PATTERN)]], Meta(max_length=MAX_GROUPS)] = []
    created_at: str | None = None


class LotRow(
    msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, rename="camel", tag_field="kind", tag="lot"
):
    """What a customer has of one currency, one origin and one expiry."""

    cust_id: CustId
    amount: Annotated[int, Meta(ge=1, le=MAX_AMOUNT)]
    origin: Literal["paid", "bonus"]
    expires_at: str | None = None
    currency: Currency = DEFAULT_CURRENCY


class RightRow(
    msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, rename="camel", tag_field="kind", tag="right"
):
    """A product that a customer has bought before, or was given."""

    cust_id: CustId
    product_id: ProductId


_Units = Annotated[int, Meta(ge=0, le=MAX_AMOUNT)]


class OrderLine(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, rename="camel", omit_defaults=True):
    """One thing of a past order; without `payable` its price was paid."""

    title: Title
    price: _Units
    payable: _Units | None = None
    product_id: ProductId | None = None


class OrderRow(
    msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, rename="camel", tag_field="kind", tag="order"
):
    """What a customer bought in the system before, by that system's id: history."""

    cust_id: CustId
    order_id: Annotated[str, Meta(min_length=1, max_length=MAX_ORDER_ID)]
    paid_at: str
    total: _Units
    lines: Annotated[list[OrderLine], Meta(min_length=1, max_length=1000)]
    currency: Currency = DEFAULT_CURRENCY
    status: Literal["paid", "partly_refunded", "refunded"] = "paid"


Row = CustomerRow | LotRow | RightRow | OrderRow

_FIELDS = ("kind", "custId", "groups", "createdAt", "currency", "amount", "origin", "expiresAt", "productId")
_FIELDS_OF_ORDERS = ("orderId", "paidAt", "total", "status", "lines")
_OWN_NAMES = {name.casefold(): name for name in (*_FIELDS, *_FIELDS_OF_ORDERS)}
_COLUMNS = frozenset(map(str.casefold, _FIELDS))
_NO_ORDERS = "past orders have lines: send them as JSON Lines (.jsonl)"


class Refused(msgspec.Struct, frozen=True):
    """A row that was not taken: where it stands, the field that is wrong ('' for the row as a whole), and why."""

    file: str
    line: int
    field: str
    reason: str
    row: Mapping[str, Any] | None = None


class Staged(msgspec.Struct, frozen=True, gc=False):
    """A good row as the staging table has it. `reference`: the id of its credit or grant, or the past order's.

    `detail`: what else a past order says, as JSON.
    """

    line: int
    kind: str
    cust_id: str
    reference: str | None = None
    currency: str | None = None
    amount: int | None = None
    origin: str | None = None
    expires_at: datetime | None = None
    product_id: str | None = None
    groups: list[str] | None = None
    created_at: datetime | None = None
    detail: str | None = None


class Form:
    """Reads rows for the move of this name. A day is one of `zone`."""

    def __init__(self, name: str, zone: ZoneInfo) -> None:
        self._name = name
        self._expiry = lru_cache(10_000)(lambda text: _moment("expiresAt", text, zone, end=True))
        self._beginning = lru_cache(10_000)(lambda text: _moment("createdAt", text, zone, end=False))
        self._zone = zone

    def read(self, source: Source, file: str) -> Iterator[Staged | Refused]:
        """Every row of a file. Raises FileError where it has columns that are none of the form's."""
        if source.columns is not None:
            _check(source.columns)
        for parsed in source.rows():
            try:
                yield self._staged(parsed, has_lines=source.columns is None)
            except ValueError as error:
                yield Refused(file, parsed.line, *_told(error), parsed.row)

    def _staged(self, parsed: Parsed, *, has_lines: bool) -> Staged:
        """Raises ValueError (which msgspec.ValidationError is) with the reason."""
        if parsed.row is None:
            raise ValueError(parsed.reason)
        row = _plain_right(parsed.row) or _read(parsed.row, has_lines=has_lines)
        if isinstance(row, LotRow):
            expires_at = self._expiry(row.expires_at)
            return Staged(
                line=parsed.line,
                kind="lot",
                cust_id=row.cust_id,
                reference=_credit_id(self._name, row, expires_at),
                currency=row.currency,
                amount=row.amount,
                origin=row.origin,
                expires_at=expires_at,
            )
        if isinstance(row, RightRow):
            reference = _grant_id(self._name, row.product_id)
            return Staged(parsed.line, "right", row.cust_id, reference, product_id=row.product_id)
        if isinstance(row, OrderRow):
            return self._order(parsed.line, row)
        created_at = self._beginning(row.created_at)
        groups = sorted(set(row.groups))
        return Staged(parsed.line, "customer", row.cust_id, groups=groups, created_at=created_at)

    def _order(self, line: int, row: OrderRow) -> Staged:
        if not row.order_id.isprintable():
            raise _FieldError("orderId", "Expected an id without control characters")
        lines = [each if each.payable is not None else replace(each, payable=each.price) for each in row.lines]
        paid_at = _moment("paidAt", row.paid_at, self._zone, end=False)
        detail = msgspec.json.encode({"paidAt": paid_at, "status": row.status, "lines": lines}).decode()
        return Staged(line, "order", row.cust_id, row.order_id, row.currency, row.total, detail=detail)


class _FieldError(ValueError):
    """A field that is wrong, and why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)


def _check(columns: Sequence[str]) -> None:
    """Raises FileError for a CSV file with other columns than the form's: a name misspelt would lose what it says."""
    unknown = [name for name in columns if name.casefold() not in _COLUMNS]
    if unknown:
        orders = f"; {_NO_ORDERS}" if any(name.casefold() in _OWN_NAMES for name in unknown) else ""
        raise FileError(f"no such column: {', '.join(unknown)}; there are {', '.join(_FIELDS)}{orders}")
    known = {name.casefold() for name in columns}
    missing = [name for name in ("kind", "custId") if name.casefold() not in known]
    if missing:
        raise FileError(f"it lacks the column {' and '.join(missing)}")


def _plain_right(row: Mapping[str, Any]) -> RightRow | None:
    """A right that is written as the form has it: most rows are, and need none of what others are forgiven."""
    if row.get("kind") != "right":
        return None
    try:
        return msgspec.convert(row, RightRow)
    except msgspec.ValidationError:
        return None


def _read(row: Mapping[str, Any], *, has_lines: bool) -> Row:
    """Raises ValueError with the reason."""
    values = _values(row)
    if values.get("kind") == "order" and not has_lines:
        raise _FieldError("kind", _NO_ORDERS)
    converted: Row = msgspec.convert(values, Row, strict=False)
    return converted


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    """The members by the form's names, without those in which nothing stands."""
    values = {
        _OWN_NAMES.get(name.casefold(), name): cell.strip() if isinstance(cell, str) else cell
        for name, cell in row.items()
    }
    values = {name: value for name, value in values.items() if value is not None and value != ""}
    for name in ("amount", "total"):
        if name in values:
            values[name] = _whole(name, values[name])
    if isinstance(values.get("lines"), list):
        values["lines"] = [_line(f"lines[{place}]", line) for place, line in enumerate(values["lines"])]
    if isinstance(values.get("groups"), str):
        values["groups"] = [group for group in _SEPARATORS.split(values["groups"]) if group]
    return values


def _line(place: str, line: Any) -> Any:
    """A line of a past order, with its amounts read digit by digit; what is none is told of by its type."""
    if not isinstance(line, dict):
        return line
    return line | {
        name: _whole(f"{place}.{name}", line[name]) for name in ("price", "payable") if line.get(name) is not None
    }


def _whole(field: str, cell: Any) -> int:
    try:
        return whole(cell)
    except ValueError as error:
        raise _FieldError(field, str(error)) from None


def _moment(field: str, text: str | None, zone: ZoneInfo, *, end: bool) -> datetime | None:
    if text is None:
        return None
    try:
        moment = moments.read_usable(text, zone, end=end)
    except ValueError as error:
        raise _FieldError(field, str(error)) from None
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _credit_id(name: str, row: LotRow, expires_at: datetime | None) -> str:
    """A lot is one credit of its move: its currency, origin and expiry name it."""
    lot = f"{name}:{row.currency}:{row.origin}"
    return lot if expires_at is None else f"{lot}:{re.sub('[-:]', '', rfc3339(expires_at))}"


def _grant_id(name: str, product_id: str) -> str:
    known = product_id if len(product_id) <= _READABLE else sha256(product_id.encode()).hexdigest()[:_READABLE]
    return f"{name}:{known}"


def _told(error: ValueError) -> tuple[str, str]:
    """The field that is wrong, and why, in words for whoever made the file."""
    if isinstance(error, _FieldError):
        return error.args[0], error.args[1]
    text = str(error)
    if not isinstance(error, msgspec.ValidationError):
        return "", text
    found = _PLACE.match(text)
    assert found is not None, "every text matches"
    what, where = found["what"], found["where"] or ""
    named = _NAMED.search(what)
    return where or (named["where"] if named else ""), in_words(what)
