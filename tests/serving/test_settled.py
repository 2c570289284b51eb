"""What the server's workers settle is seen by whoever gives way to it."""

from pathlib import Path

import pytest

from lingdang.serving.settled import LOOK_SECONDS, Tallies, Tally


class Watch:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_commands_are_added_up_and_seconds_are_the_busiest_workers(tmp_path: Path) -> None:
    one, two = Tally(tmp_path, 1), Tally(tmp_path, 2)
    tallies = Tallies(tmp_path)
    assert tallies() == (0.0, 0)
    one.batch(3, 0.5)
    two.batch(5, 0.25)
    assert tallies() == (0.5, 8)
    two.batch(1, 0.125)
    assert tallies() == (0.625, 9)


def test_what_was_settled_before_somebody_looks_is_not_counted(tmp_path: Path) -> None:
    Tally(tmp_path, 1).batch(3, 0.5)
    assert Tallies(tmp_path)() == (0.0, 0)


def test_a_worker_in_the_place_of_another_begins_anew(tmp_path: Path) -> None:
    Tally(tmp_path, 1).batch(100, 5.0)
    tallies = Tallies(tmp_path)
    tallies()
    Tally(tmp_path, 1).batch(2, 0.5)
    assert tallies() == (0.5, 2)


def test_a_worker_that_comes_later_is_seen(tmp_path: Path) -> None:
    watch = Watch()
    tallies = Tallies(tmp_path / "settled", watch)
    assert tallies() == (0.0, 0), "there is no server"
    (tmp_path / "settled").mkdir()
    late = Tally(tmp_path / "settled", 1)
    watch.now += LOOK_SECONDS
    tallies()
    late.batch(1, 0.5)
    assert tallies() == (0.5, 1)


@pytest.mark.parametrize("content", [b"", b"half"])
def test_a_count_that_is_being_made_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "1").write_bytes(content)
    assert Tallies(tmp_path)() == (0.0, 0)
