"""What is measured, for how long, and what is bought meanwhile."""

from collections.abc import Iterator, Sequence

import msgspec

from lingdang.ledger.lines import Line
from proof.bench.buying import Purchase


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured and for how long."""

    rounds: int
    seconds: float
    connections: tuple[int, ...]
    clients: tuple[int, ...]
    only: frozenset[str]
    threads: int
    """How many threads pgbench's client may use."""
    rested: bool
    """Whether each window begins when all that earlier ones have paid is sealed."""


class Goods(msgspec.Struct, frozen=True):
    """What is bought: `three` books at a time; what is only checked out, over and over; and what is hot."""

    customers: int
    three: Iterator[Purchase]
    checked_out: dict[str, Iterator[Purchase]]
    hot_books: Iterator[Line]
    house: Iterator[Purchase]
    """Books of one publisher, for customers with odd numbers."""
    hot_customers: Sequence[Iterator[Purchase]]
    """The purchases of one customer each, all with odd numbers."""
