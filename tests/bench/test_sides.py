"""Two workloads in turns: their order, their requests, and the figures of each from its slices alone."""

from datetime import UTC, datetime
from itertools import islice
from uuid import UUID

import pytest

from lingdang.ids import Customer
from lingdang.ledger.lines import Line
from proof.bench.buying import Buyer, Purchase
from proof.bench.load import Answer, Load
from proof.bench.meters import Batches, Cost
from proof.bench.sides import Side, Slice, differing, half, in_turns, joined, with_one_book

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def load(latencies: list[float], refused: int = 0, seconds: float = 1.5) -> Load:
    made = Load()
    for latency in latencies:
        made.add(Answer(200, b"{}"), latency)
    for _ in range(refused):
        made.add(Answer(409, b'{"code":"already_owned"}'), 0.5)
    made.seconds, made.cpu_seconds = seconds, seconds / 4
    return made


def cost(wal_bytes: int, batches: Batches) -> Cost:
    return Cost(seconds=2, wal_bytes=wal_bytes, server_cpu=0.5, postgres_cpu=0.25, machine_cpu=1, batches=batches)


def one_slice(name: str, seen: Load, wal_bytes: int, batches: Batches) -> Slice:
    return Slice(name, NOON, seen, cost(wal_bytes, batches), paid=seen.outcomes["200"])


def purchase(number: int, *product_ids: str) -> Purchase:
    buyer = Buyer(Customer(number, f"cust-{number}"), UUID(int=number), b"", "MD5", "key", None)
    return Purchase(buyer, tuple(Line(product_id, "Title", None, 100, 100, 0) for product_id in product_ids))


def ids(purchases: list[Purchase]) -> list[tuple[str, list[str]]]:
    return [(each.buyer.customer.cust_id, [line.product_id for line in each.books]) for each in purchases]


@pytest.mark.parametrize(("number", "order"), [(1, "ABBA"), (2, "BAAB"), (3, "ABBA")])
def test_a_steady_drift_is_the_same_to_both(number: int, order: str) -> None:
    turns = in_turns("A", "B", number)
    assert "".join(turns) == order
    places = {side: [place for place, each in enumerate(turns) if each == side] for side in "AB"}
    assert sum(places["A"]) == sum(places["B"])


def test_a_side_is_joined_from_its_slices() -> None:
    first = one_slice("hot", load([0.1, 0.2], seconds=1.5), 1000, Batches(2, 40, {"32.0": 2.0}))
    second = one_slice("hot", load([0.3], refused=1, seconds=2.5), 500, Batches(1, 50, {"32.0": 0.0, "64.0": 1.0}))
    seen, together = joined([first, second])
    assert list(seen.latencies) == [0.1, 0.2, 0.3, 0.5]
    assert seen.outcomes == {"200": 3, "409 already_owned": 1}
    assert (seen.seconds, seen.cpu_seconds) == (4, 1)
    assert together == Cost(
        seconds=4,
        wal_bytes=1500,
        server_cpu=1,
        postgres_cpu=0.5,
        machine_cpu=2,
        batches=Batches(3, 90, {"32.0": 2.0, "64.0": 1.0}),
    )
    assert list(first.load.latencies) == [0.1, 0.2]


def test_each_slice_is_compared_with_the_database() -> None:
    slices = [one_slice("hot", load([0.1]), 0, Batches()), one_slice("not", load([0.1, 0.1], refused=1), 0, Batches())]
    assert differing(slices, [1, 2], "orders are in the database") == []
    assert differing(slices, [2, 2], "orders are in the database") == [
        "hot from 2026-11-23T12:00:00.000Z: 1 payments were answered 200, 2 orders are in the database"
    ]
    assert differing(slices, [1, 3], "vouchers are used") == [
        "not from 2026-11-23T12:00:00.000Z: 2 payments were answered 200, 3 vouchers are used"
    ]


def test_what_pays_nothing_may_leave_no_order() -> None:
    asked, seen = Side("checkouts", [], pays=False), load([0.1, 0.1])
    slices = [Slice("checkouts", NOON, seen, cost(0, Batches()), asked.paid(seen))]
    assert differing(slices, [0], "orders are in the database") == []
    assert differing(slices, [1], "orders are in the database") == [
        "checkouts from 2026-11-23T12:00:00.000Z: 0 payments were answered 200, 1 orders are in the database"
    ]
    assert Side("payments", []).paid(seen) == 2


def test_no_customer_is_on_both_sides() -> None:
    purchases = [purchase(number, "a") for number in (9, 2, 12, 5, 9, 2)]
    assert [each.buyer.customer.cust_id for each in half(purchases, odd=True)] == ["cust-9", "cust-5", "cust-9"]
    assert [each.buyer.customer.cust_id for each in half(purchases, odd=False)] == ["cust-2", "cust-12", "cust-2"]


def test_one_book_is_in_all_until_everybody_has_it() -> None:
    purchases = iter([purchase(number, f"{turn}a", f"{turn}b") for turn in range(3) for number in (1, 3)])
    books = iter([line for each in "xyz" for line in purchase(1, each).books])
    bought = list(islice(with_one_book(purchases, books, 2), 3))
    assert ids(bought) == [("cust-1", ["x", "0b"]), ("cust-3", ["x", "0b"]), ("cust-1", ["y", "1b"])]
    assert next(books).product_id == "z"
