"""Expiring: what has lapsed in a wallet is booked out, as every other command on it does first."""

from typing import ClassVar

import msgspec

from lingdang.ledger.book import Book
from lingdang.ledger.done import Done


class Expire(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Book out what has lapsed in one wallet."""

    customer: int
    currency: str
    cause: ClassVar[None] = None
    rights: ClassVar[tuple[str, ...]] = ()
    order: ClassVar[None] = None


def decide(book: Book, expire: Expire) -> Done:
    """Never refused."""
    book.wallet(expire.customer, expire.currency)
    return Done(None)
