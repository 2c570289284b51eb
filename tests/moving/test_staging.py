"""What is wrong among rows that are good by themselves."""

from pathlib import Path
from typing import Any

from support.moving import (
    balances,
    json_lines,
    lot,
    right,
)


def test_what_is_given_twice_is_refused_across_files_and_the_first_stands(
    move_in: Any, database_url: str, tmp_path: Path
) -> None:
    first = json_lines(tmp_path / "1.jsonl", [lot("ann", 5), right("ann", "a")])
    second = json_lines(tmp_path / "2.jsonl", [lot("ann", 5), lot("ann", 6), right("ann", "a"), lot("ann", 7, "bonus")])
    code, report, refused = move_in(first, second)
    assert (code, report["agrees"]) == (1, True)
    assert [(row["file"], row["line"]) for row in refused] == [(str(second), 1), (str(second), 2), (str(second), 3)]
    assert refused[0]["reason"] == f"the same lot was given before, in {first} on line 1"
    assert balances(database_url) == {"ann": 12}


def test_another_amount_of_a_lot_that_was_moved_in_is_refused(move_in: Any, database_url: str, tmp_path: Path) -> None:
    move_in(json_lines(tmp_path / "rows.jsonl", [lot("ann", 5)]))
    code, _, [refused] = move_in(json_lines(tmp_path / "rows.jsonl", [lot("ann", 6)]))
    assert (code, refused["field"]) == (1, "amount")
    assert "before with 5 bells" in refused["reason"]
    assert balances(database_url) == {"ann": 5}


def test_a_lot_that_lapsed_after_it_was_moved_in_is_no_fault(move_in: Any, database_url: str, tmp_path: Path) -> None:
    file = json_lines(tmp_path / "rows.jsonl", [lot("ann", 5, expiresAt="2999-01-31T00:00:00Z")])
    move_in(file)
    with_lapsed = [lot("ann", 5, expiresAt="2999-01-31T00:00:00Z"), lot("bob", 1, expiresAt="2001-01-01T00:00:00Z")]
    code, report, refused = move_in(json_lines(tmp_path / "rows.jsonl", with_lapsed))
    assert (code, [row["line"] for row in refused]) == (1, [2])
    assert [control["before"] for control in report["controls"]] == [{"rows": 1, "bells": 5}]
