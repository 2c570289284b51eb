"""Two workloads in slices that alternate, A B B A: a machine that becomes faster or slower is the same to both."""

import operator
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial, reduce
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import psycopg

from lingdang.clock import rfc3339, system_clock
from lingdang.ledger.lines import Line
from proof.bench.buying import Purchase
from proof.bench.load import Connection, Load, connected, drive, no_collections, prepared
from proof.bench.meters import Cost, Meters
from proof.server import Server

T = TypeVar("T")

_ORDERS = """
SELECT width_bucket(paid_at, %(began)s::timestamptz[]), count(*) FROM orders WHERE paid_at >= %(first)s GROUP BY 1
"""
_VOUCHERS = """
SELECT width_bucket(used_at, %(began)s::timestamptz[]), count(*) FROM voucher WHERE used_at >= %(first)s GROUP BY 1
"""


class Slice(NamedTuple):
    """Some seconds of the workload `name`. What was paid from `began` on, and before the next slice, is this one's."""

    name: str
    began: datetime
    load: Load
    cost: Cost
    paid: int
    """How many payments were answered 200."""


class Side:
    """One of the two workloads, with its requests: at most half of them are sent in each of two slices, in their order.

    The second begins where the first has ended: each token counts its customer's payments, so none may be left out.
    `pays`: what is answered 200 is a payment.
    """

    def __init__(self, name: str, ready: Sequence[bytes], *, pays: bool = True) -> None:
        self.name = name
        self._ready = ready
        self._pays = pays
        self._sent = 0

    def run(self, connections: Sequence[Connection], seconds: float) -> tuple[datetime, Load]:
        """One slice: when it began, and what came of it. Raises LoadError."""
        rest = iter(self._ready[self._sent : self._sent + len(self._ready) // 2])
        began = system_clock()
        load = drive(connections, [prepared(rest) for _ in connections], seconds, Load())
        self._sent += len(load.latencies)
        return began, load

    def paid(self, load: Load) -> int:
        """How many payments of a slice were answered 200."""
        return load.outcomes["200"] if self._pays else 0


def turned(things: Sequence[T], number: int) -> Sequence[T]:
    """As they are in a round of odd number, the other way round in one of even number: none is always the first."""
    return things[:: 1 if number % 2 else -1]


def in_turns(a: T, b: T, number: int) -> tuple[T, T, T, T]:
    """A B B A, and B A A B in a round of even number."""
    first, second = turned((a, b), number)
    return first, second, second, first


def alternate(meters: Meters, server: Server, order: Sequence[Side], connections: int, seconds: float) -> list[Slice]:
    """A slice of `seconds` for each in this order, all on the same connections. Raises LoadError."""
    with connected(server.target, connections) as opened, no_collections():
        ran = meters.each(server, [partial(side.run, opened, seconds) for side in order])
    return [
        Slice(side.name, began, load, cost, side.paid(load))
        for side, ((began, load), cost) in zip(order, ran, strict=True)
    ]


def joined(slices: Sequence[Slice]) -> tuple[Load, Cost]:
    """What they saw and what they cost together."""
    whole = Load()
    for each in slices:
        whole.latencies.extend(each.load.latencies)
        whole.outcomes.update(each.load.outcomes)
        whole.seconds += each.load.seconds
        whole.cpu_seconds += each.load.cpu_seconds
    return whole, reduce(operator.add, (each.cost for each in slices))


def orders(connection: psycopg.Connection[Any], slices: Sequence[Slice]) -> list[int]:
    """How many orders of each slice are in the database, the last slice's until now."""
    return _counted(connection, _ORDERS, slices)


def vouchers(connection: psycopg.Connection[Any], slices: Sequence[Slice]) -> list[int]:
    """How many vouchers each slice has used, the last one until now."""
    return _counted(connection, _VOUCHERS, slices)


def _counted(connection: psycopg.Connection[Any], query: str, slices: Sequence[Slice]) -> list[int]:
    began = [each.began for each in slices]
    found = dict(connection.execute(query.encode(), {"began": began, "first": began[0]}).fetchall())
    return [int(found.get(place, 0)) for place in range(1, len(slices) + 1)]


def differing(slices: Sequence[Slice], counts: Sequence[int], what: str) -> list[str]:
    """A sentence for each slice of which the database has another number than was paid."""
    return [
        f"{each.name} from {rfc3339(each.began)}: {each.paid} payments were answered 200, {count} {what}"
        for each, count in zip(slices, counts, strict=True)
        if count != each.paid
    ]


def half(purchases: Iterable[Purchase], *, odd: bool) -> Iterator[Purchase]:
    """Those of customers with odd numbers, or with even ones.

    No customer is on both sides: nobody knows beforehand in which order the sides' payments would be theirs.
    """
    return (each for each in purchases if int(each.buyer.customer.cust_id.rpartition("-")[2]) % 2 == odd)


def with_one_book(purchases: Iterator[Purchase], books: Iterator[Line], customers: int) -> Iterator[Purchase]:
    """The same book first in each, and the next one when all of so many customers have it."""
    for book in books:
        for purchase in islice(purchases, customers):
            yield purchase._replace(books=(book, *purchase.books[1:]))
