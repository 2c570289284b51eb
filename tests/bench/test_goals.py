"""Each goal's figure from the windows of a round, and what falls short of its floor."""

from pathlib import Path

import pytest

from proof.bench.figures import Beside, Window
from proof.bench.goals import GOALS, Reached, reached, read_floors, shortfalls, table
from proof.bench.meters import Batches

FLOORS = Path(__file__).parents[2] / "proof" / "bench" / "floors.toml"


def window(name: str, rate: float, number: int = 1, cpu: float = 100e-6, beside: Beside | None = None) -> Window:
    """`cpu`: seconds of the server's CPU an operation; PostgreSQL takes half of that."""
    return Window(
        name=name,
        round=number,
        operations=1000,
        rate=rate,
        p50=1 / rate,
        p99=0.03,
        mean=1 / rate,
        outcomes={"200": 1000},
        wal_bytes=1_400_000,
        server_cpu=1000 * cpu,
        postgres_cpu=500 * cpu,
        generator_cpu=0.1,
        generator_share=0.1,
        others_share=0.0,
        batches=Batches(10, 1000),
        beside=beside,
    )


WINDOWS = [
    window("pgbench/1", 1000),
    window("pgbench/8", 4000),
    window("pgbench/32", 5000),
    window("payments/https/1", 400),
    window("payments/https/64", 6000),
    window("payments/https/256", 8000),
    window("payments-voucher/https/1", 90_000),
    window("payments-voucher/https/64", 7000),
    window("payments-voucher/https/256", 7500),
    window("payments-hot-customer/https/64", 3000),
    window("payments-hot-book/https/64", 6600),
    window("payments-hot-publisher/https/64", 5400),
    window("payments-hot-voucher/https/64", 3500),
    window("payments-paced/https/64", 4000),
    window("orders/http/64", 1900),
    window("orders/https/64", 1500),
    window("orders/https/256", 2150),
    window("checkouts/https/64", 9000, cpu=80e-6, beside=Beside(6000, 150e-6)),
    window("ticks/https/64", 9000, cpu=50e-6, beside=Beside(6000, 180e-6)),
    window("prices/https/64", 9000, cpu=200e-6, beside=Beside(6000, 150e-6)),
]
FIGURES = {
    "payments": 1.5,
    "orders": 50,
    "one-connection": 2.5,
    "paced": 30,
    "hot-customer": 0.5,
    "hot-book": 1.1,
    "hot-voucher": 0.5,
    "hot-publisher": 0.9,
    "wal": 1400,
    "server-cpu": 100,
    "database-cpu": 50,
    "checkouts": 1.25,
    "ticks": 2.4,
    "prices": 0.5,
}


def test_each_goal_is_computed_within_its_round() -> None:
    seen = {result.goal.name: result.seen.median for result in reached(WINDOWS)}
    assert seen.keys() == {goal.name for goal in GOALS}
    assert seen == pytest.approx(FIGURES)


@pytest.mark.parametrize("kind", ["hot-customer", "hot-book", "hot-voucher", "hot-publisher"])
def test_what_is_hot_is_compared_with_what_it_was_measured_in_turns_with(kind: str) -> None:
    hot = window(f"payments-{kind}/https/64", 4000, beside=Beside(5000, 1.0))
    uniform = [window("payments/https/64", 9000), window("payments-voucher/https/64", 9000)]
    for windows in ([hot], [hot, *uniform]):
        assert {result.goal.name: result.seen.median for result in reached(windows)}[kind] == 0.8


def test_the_spread_is_that_of_the_rounds() -> None:
    second = [window("pgbench/8", 4000, 2), window("payments-voucher/https/64", 8000, 2)]
    [payments] = [result for result in reached([*WINDOWS, *second]) if result.goal.name == "payments"]
    assert (payments.seen.least, payments.seen.most) == (1.5, 2.0)


def test_what_was_not_measured_is_no_goal() -> None:
    assert reached([window("pgbench/8", 4000)]) == []


def test_what_falls_short_is_named_whichever_way_is_better() -> None:
    results = reached(WINDOWS)
    assert shortfalls(results, {"payments": 1.5, "wal": 1400, "orders": 49.9}) == []
    assert shortfalls(results, {"payments": 1.6, "wal": 1399}) == [
        "payments: 1.50 is below the floor of 1.6",
        "wal: 1400.00 is above the floor of 1399",
    ]


def test_the_table_says_what_is_reached() -> None:
    by_name = {result.goal.name: result for result in reached(WINDOWS)}
    lines = table([by_name["payments"], by_name["paced"]]).splitlines()
    assert lines[2].endswith("| ≥ 1.5 | 1.50 (1.50–1.50) | reached |")
    assert lines[3].endswith("| ≤ 25 | 30 (30–30) | short |")


def test_the_committed_floors_are_of_every_goal() -> None:
    floors = read_floors(FLOORS)
    assert floors.keys() == {goal.name for goal in GOALS}
    unreachable = [Reached(goal, result.seen) for goal, result in zip(GOALS, reached(WINDOWS), strict=True)]
    assert shortfalls(unreachable, dict.fromkeys(floors, 0.0)) != [], "a floor can be missed"


def test_a_floor_of_no_goal_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "floors.toml"
    path.write_text("[goals]\nspeed = 1\n")
    with pytest.raises(ValueError, match="no such goals: speed"):
        read_floors(path)
