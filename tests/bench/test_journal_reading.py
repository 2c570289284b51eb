"""The lag of a reader is reckoned from each answer to the page with its row; the reader sees what comes."""

from pathlib import Path

from lingdang.journal.positions import RowPosition
from proof.bench import following
from proof.bench.following import Page
from proof.bench.load import Answer
from proof.bench.reading import Answered, lags
from support.customers import key_of
from support.money import credit, open_settlement
from support.served import eventually


def test_a_lag_is_from_the_answer_to_the_page_with_its_row() -> None:
    rows = {"a": (1, 1), "b": (1, 2), "c": (2, 1), "d": (2, 2)}
    pages = [
        Page(10.0, []),
        Page(10.5, [RowPosition(1, 1, 1), RowPosition(2, 1, 2)]),
        Page(11.0, [RowPosition(3, 2, 1)]),
    ]
    found = lags({"a": 10.25, "b": 10.75, "c": 10.75, "d": 9.0}, rows, pages)
    assert found == [0.0, 0.25, 0.25, float("inf")], "seen before its answer, twice a quarter later, and never"


def test_an_answer_names_its_order() -> None:
    load = Answered()
    load.add(Answer(200, b'{"orderId":"0190","paid":1}'), 0.01)
    assert list(load.at) == ["0190"]
    assert load.outcomes == {"200": 1}


async def test_the_reader_notes_what_comes_after_it_came_to_the_end(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "pages"
    async with open_settlement(database_url) as settlement:
        await settlement.submit(credit("ann", 1))
        with following.followed(database_url, file):
            await settlement.submit(credit("bob", 1))
            eventually(lambda: len(following.read(file)) > 1)
    first, second = following.read(file)
    assert first.places == []
    assert [place[1:] for place in second.places] == [(key_of("bob"), 1)]
    assert second.at > first.at
