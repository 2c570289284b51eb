"""What is wrong among rows that are good by themselves."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from lingdang.moving import staging
from support.moving import asked, balances, customer, json_lines, lot, right


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


def test_what_the_journal_has_is_counted_and_not_gathered_again(
    move_in: Any, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gathered: list[Any] = []
    find_due = staging.find_due

    def found(connection: staging.Connection, buckets: int, now: datetime) -> None:
        find_due(connection, buckets, now)
        counted = connection.execute("SELECT (SELECT count(*) FROM named), (SELECT count(*) FROM due)")
        gathered.append(counted.fetchone())

    monkeypatch.setattr(staging, "find_due", found)
    rows = [customer("ann", groups=["gold"]), lot("ann", 5), right("ann", "a"), lot("bob", 6)]
    move_in(json_lines(tmp_path / "rows.jsonl", rows))
    code, report, _ = move_in(json_lines(tmp_path / "rows.jsonl", [*rows, lot("carl", 7), right("bob", "b")]))
    assert (code, report["agrees"], report["customers"], report["newCustomers"]) == (0, True, 3, 1)
    assert [control["before"]["rows"] for control in report["controls"]] == [2, 1]
    assert [control["booked"] for control in report["controls"]] == [{"rows": 3, "bells": 18}, {"rows": 2, "bells": 0}]
    assert gathered == [(2, 3), (1, 2)]
    code, report, _ = move_in(json_lines(tmp_path / "rows.jsonl", [customer("ann", groups=["new"])]))
    assert (code, gathered[2:]) == (0, [(1, 0)])
    assert asked(database_url, "SELECT groups FROM customer WHERE customer_id = 'ann'") == [(["gold", "new"],)]


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
