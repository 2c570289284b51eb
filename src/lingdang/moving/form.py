"""The form of the files: one row has one kind, and the same fields in JSON Lines and in CSV."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from lingdang import moments
from lingdang.catalog.numbers import whole
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


class CustomerRow(
    msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, rename="camel", tag_field="kind", tag="customer"
):
    """A customer, with the groups that conditions of vouchers name, and since when the platform has known them."""

    cust_id: CustId
    groups: Annotated[list[Annotated[str, Meta(pattern=ID_PATTERN)]], Meta(max_length=50)] = []
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


Row = CustomerRow | LotRow | RightRow

_FIELDS = ("kind", "custId", "groups", "createdAt", "currency", "amount", "origin", "expiresAt", "productId")
_OWN_NAMES = {name.casefold(): name for name in _FIELDS}


class Refused(msgspec.Struct, frozen=True):
    """A row that was not taken: where it stands, the field that is wrong ('' for the row as a whole), and why."""

    file: str
    line: int
    field: str
    reason: str
    row: Mapping[str, Any] | None = None


class Staged(msgspec.Struct, frozen=True, gc=False):
    """A good row as the staging table has it. `reference`: the id of its credit or grant."""

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


class Form:
    """Reads rows for the move of this name. A day is one of `zone`."""

    def __init__(self, name: str, zone: ZoneInfo) -> None:
        self._name = name
        self._expiry = lru_cache(10_000)(lambda text: _moment("expiresAt", text, zone, end=True))
        self._beginning = lru_cache(10_000)(lambda text: _moment("createdAt", text, zone, end=False))

    def read(self, source: Source, file: str) -> Iterator[Staged | Refused]:
        """Every row of a file. Raises FileError where it has columns that are none of the form's."""
        if source.columns is not None:
            _check(source.columns)
        for parsed in source.rows():
            try:
                yield self._staged(parsed)
            except ValueError as error:
                yield Refused(file, parsed.line, *_told(error), parsed.row)

    def _staged(self, parsed: Parsed) -> Staged:
        """Raises ValueError (which msgspec.ValidationError is) with the reason."""
        if parsed.row is None:
            raise ValueError(parsed.reason)
        row = msgspec.convert(_values(parsed.row), Row, strict=False)
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
        created_at = self._beginning(row.created_at)
        groups = sorted(set(row.groups))
        return Staged(parsed.line, "customer", row.cust_id, groups=groups, created_at=created_at)


class _FieldError(ValueError):
    """A field that is wrong, and why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)


def _check(columns: Sequence[str]) -> None:
    """Raises FileError for a CSV file with other columns than the form's: a name misspelt would lose what it says."""
    unknown = [name for name in columns if name.casefold() not in _OWN_NAMES]
    if unknown:
        raise FileError(f"no such column: {', '.join(unknown)}; there are {', '.join(_FIELDS)}")
    known = {name.casefold() for name in columns}
    missing = [name for name in ("kind", "custId") if name.casefold() not in known]
    if missing:
        raise FileError(f"it lacks the column {' and '.join(missing)}")


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    """The members by the form's names, without those in which nothing stands."""
    values = {
        _OWN_NAMES.get(name.casefold(), name): cell.strip() if isinstance(cell, str) else cell
        for name, cell in row.items()
    }
    values = {name: value for name, value in values.items() if value is not None and value != ""}
    if "amount" in values:
        values["amount"] = _amount(values["amount"])
    if isinstance(values.get("groups"), str):
        values["groups"] = [group for group in _SEPARATORS.split(values["groups"]) if group]
    return values


def _amount(cell: Any) -> int:
    try:
        return whole(cell)
    except ValueError as error:
        raise _FieldError("amount", str(error)) from None


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
