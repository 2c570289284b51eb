"""Readers of the journal beside all that befalls transactions and the server: `python -m proof.faults.readers`."""

import random
from pathlib import Path

import pytest

from lingdang.journal.positions import RowPosition
from proof.faults.readers.reading import Reader
from proof.faults.readers.run import Plan, judged, run


@pytest.mark.slow
async def test_readers_miss_nothing_and_see_nothing_out_of_order(tmp_path: Path) -> None:
    outcome = await run(Plan(seconds=1), tmp_path)
    assert outcome.faults == []
    assert outcome.rows > 300
    assert outcome.epochs >= 3
    for kind in ("answered", "notices", "prepared", "session processes killed", "servers killed", "restarts"):
        assert outcome.counts[kind] >= 1


ROWS = [RowPosition(7, 1, 1), RowPosition(7, 2, 1), RowPosition(8, 1, 2), RowPosition(9, 2, 2)]


@pytest.mark.parametrize(
    ("seen", "faults"),
    [
        (ROWS, []),
        (ROWS[:3], ["r missed 1 rows, the first: RowPosition(position=9, customer=2, seq=2)"]),
        (
            [ROWS[0], ROWS[1], ROWS[3], ROWS[2]],
            ["r: RowPosition(position=8, customer=1, seq=2) came after RowPosition(position=9, customer=2, seq=2)"],
        ),
        (
            [*ROWS, RowPosition(10, 1, 4)],
            [
                "r: customer 1: seq 4 came where 3 was next",
                "r saw 1 rows that are gone, the first: RowPosition(position=10, customer=1, seq=4)",
            ],
        ),
        (
            [*ROWS, ROWS[3]],
            [
                "r: customer 2: seq 2 came where 3 was next",
                f"r: {ROWS[3]} came after {ROWS[3]}",
                "r saw rows twice",
            ],
        ),
    ],
    ids=["all", "one missed", "out of order", "one that is gone", "one twice"],
)
def test_the_comparison_sees_what_a_reader_saw_otherwise(seen: list[RowPosition], faults: list[str]) -> None:
    reader = Reader("r", random.Random(1), 0)
    for place in seen:
        reader.take(place)
    assert judged(reader, ROWS) == faults
