"""A file of before finds a customer who was renamed since, and nobody else."""

from pathlib import Path
from typing import Any

import pytest

from support.commands import Run
from support.customers import make_known
from support.moving import asked, balances, customer, json_lines, library, lot, order, require_agreement, right

ROWS = [customer("ann", groups=["gold"]), lot("ann", 500), right("ann", "a"), order("ann", "1"), lot("bob", 30)]


@pytest.fixture
def renamed(run: Run, move_in: Any, tmp_path: Path) -> Path:
    """A file whose customer ann was moved in, and is anna now."""
    file = json_lines(tmp_path / "rows.jsonl", ROWS)
    move_in(file)
    assert run("customer", "rename", "ann", "anna").exit_code == 0
    return file


def test_the_file_of_before_books_nothing_twice(move_in: Any, database_url: str, renamed: Path) -> None:
    before = asked(database_url, "SELECT * FROM transfer ORDER BY customer, seq")
    code, report, refused = move_in(renamed)
    assert (code, refused, report["agrees"], report["newCustomers"]) == (0, [], True, 0)
    assert asked(database_url, "SELECT * FROM transfer ORDER BY customer, seq") == before
    assert (balances(database_url), library(database_url)) == ({"anna": 500, "bob": 30}, {("anna", "a")})
    require_agreement(database_url)


def test_after_several_renamings_every_name_is_known(
    run: Run, move_in: Any, database_url: str, renamed: Path, tmp_path: Path
) -> None:
    assert run("customer", "rename", "anna", "anne").exit_code == 0
    rows = [lot("ann", 500), lot("anna", 7, "bonus"), lot("anne", 1, currency="GEM")]
    code, report, refused = move_in(json_lines(tmp_path / "rows.jsonl", rows))
    assert (code, refused, report["newCustomers"], report["customers"]) == (0, [], 0, 1)
    assert balances(database_url) == {"anne": 508, "bob": 30}


def test_the_same_lot_by_both_names_is_given_twice(
    move_in: Any, database_url: str, renamed: Path, tmp_path: Path
) -> None:
    code, _, [refused] = move_in(json_lines(tmp_path / "rows.jsonl", [lot("anna", 500), lot("ann", 500)]))
    assert (code, refused["line"]) == (1, 2)
    assert balances(database_url) == {"anna": 500, "bob": 30}


def test_who_has_the_name_now_is_not_taken_for_whom_the_move_knew(
    move_in: Any, database_url: str, renamed: Path, tmp_path: Path
) -> None:
    make_known(database_url, "ann")
    code, report, refused = move_in(renamed)
    assert (code, report["agrees"], {row["line"] for row in refused}) == (1, True, {1, 2, 3, 4})
    assert {row["field"] for row in refused} == {"custId"}
    assert balances(database_url) == {"anna": 500, "bob": 30}
    assert move_in(json_lines(tmp_path / "more.jsonl", [lot("ann", 5)]), "--name", "more")[0] == 0
    assert balances(database_url) == {"ann": 5, "anna": 500, "bob": 30}


def test_a_name_that_two_renamed_customers_had_is_refused(
    run: Run, move_in: Any, database_url: str, renamed: Path
) -> None:
    make_known(database_url, "ann")
    assert run("customer", "rename", "ann", "annette").exit_code == 0
    code, _, refused = move_in(renamed)
    assert (code, {row["line"] for row in refused}) == (1, {1, 2, 3, 4})
    assert balances(database_url) == {"anna": 500, "bob": 30}


def test_who_has_the_name_again_is_that_customer(run: Run, move_in: Any, database_url: str, renamed: Path) -> None:
    assert run("customer", "rename", "anna", "ann").exit_code == 0
    assert asked(database_url, "SELECT customer_id FROM former_name") == [("anna",)]
    code, report, _ = move_in(renamed)
    assert (code, report["newCustomers"], balances(database_url)) == (0, 0, {"ann": 500, "bob": 30})


def test_former_names_are_told_and_erased(run: Run, database_url: str, renamed: Path) -> None:
    assert '"formerCustIds": [\n    "ann"\n  ]' in run("customer", "export", "anna").stdout
    assert run("customer", "erase", "anna", "--yes", "--despite-bells").exit_code == 0
    assert asked(database_url, "SELECT * FROM former_name") == []
