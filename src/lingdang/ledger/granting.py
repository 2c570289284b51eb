"""Granting: a right to a product without a payment, and its revocation. Rows of the journal without bells."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from lingdang.errors import Problem
from lingdang.ledger.book import Book
from lingdang.ledger.causes import cause_of
from lingdang.ledger.done import Done
from lingdang.ledger.state import Row

GRANT = "grant"
REVOCATION = "revocation"
NO_CURRENCY = ""
"""Of rows without bells."""


class Grant(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Give a customer the right to a product. Idempotent by `grant_id`."""

    customer: int
    grant_id: str
    product_id: str
    reason: str
    order: ClassVar[None] = None

    @property
    def cause(self) -> UUID:
        """What its row in the journal is found by."""
        return cause_of(self.customer, GRANT, self.grant_id)

    @property
    def rights(self) -> tuple[str, ...]:
        """The products to which a right matters."""
        return (self.product_id,)


class Revoke(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Take a right away that was granted without a payment. Idempotent by `revocation_id`."""

    customer: int
    revocation_id: str
    product_id: str
    reason: str
    granted_by: int | None = None
    """The row that granted it, as whoever asks has seen: None where there was no such right."""
    order: ClassVar[None] = None

    @property
    def cause(self) -> UUID:
        """What its row in the journal is found by."""
        return cause_of(self.customer, REVOCATION, self.revocation_id)

    @property
    def rights(self) -> tuple[str, ...]:
        """The products to which a right matters."""
        return (self.product_id,)


class Detail(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What is fixed about a grant or a revocation; one of the two ids is there."""

    product_id: str
    reason: str
    grant_id: str | None = None
    revocation_id: str | None = None


class Changed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A right that was granted or revoked."""

    product_id: str
    seq: int
    at: datetime


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Detail).decode


def detail_of(row: Row) -> Detail:
    """What is fixed about a grant or a revocation."""
    return _decode(row.detail)


def grant(book: Book, command: Grant) -> Done | Problem:
    """Grant, unless the customer owns the product: then nothing changes, and the record is None."""
    cause = command.cause
    booked = book.row(command.customer, cause)
    detail = Detail(command.product_id, command.reason, grant_id=command.grant_id)
    if booked is not None:
        return _replayed(booked, detail)
    if book.owned(command.customer, [command.product_id]):
        return Done(None)
    row = _post(book, command.customer, GRANT, cause, detail)
    book.grant(row, [command.product_id])
    return Done(_changed(row, detail))


def revoke(book: Book, command: Revoke) -> Done | Problem:
    """Revoke a right that no payment gave; an order's right ends with its refund alone."""
    booked = book.row(command.customer, command.cause)
    detail = Detail(command.product_id, command.reason, revocation_id=command.revocation_id)
    if booked is not None:
        return _replayed(booked, detail)
    granted_by = book.granted_by(command.customer, command.product_id)
    if granted_by is None or granted_by != command.granted_by:
        return Problem("not_found")
    row = _post(book, command.customer, REVOCATION, command.cause, detail)
    book.revoke(command.customer, [command.product_id], granted_by)
    return Done(_changed(row, detail))


def _replayed(booked: Row, detail: Detail) -> Done | Problem:
    if _decode(booked.detail) != detail:
        return Problem("idempotency_mismatch")
    return Done(_changed(booked, detail), replayed=True)


def _post(book: Book, customer: int, kind: str, cause: UUID, detail: Detail) -> Row:
    wallet = book.wallet(customer, NO_CURRENCY)
    return book.post(wallet, ((), ()), 0, kind, cause, [], [], msgspec.Raw(_encode(detail)))


def _changed(row: Row, detail: Detail) -> Changed:
    return Changed(product_id=detail.product_id, seq=row.seq, at=row.at)
