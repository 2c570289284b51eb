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


def refusals(rows: list[Any]) -> set[tuple[str, str]]:
    """The custId in each refused row, by the field that is named."""
    return {(row["field"], row["row"]["custId"]) for row in rows}


def test_the_file_of_before_books_nothing_twice(move_in: Any, database_url: str, renamed: Path) -> None:
    before = asked(database_url, "SELECT * FROM transfer ORDER BY customer, seq")
    code, report, refused = move_in(renamed)
    assert (code, refused, report["agrees"], report["newCustomers"], report["followed"]) == (0, [], True, 0, 4)
    assert asked(database_url, "SELECT * FROM transfer ORDER BY customer, seq") == before
    assert (balances(database_url), library(database_url)) == ({"anna": 500, "bob": 30}, {("anna", "a")})
    require_agreement(database_url)


def test_a_move_that_was_broken_off_before_the_renaming_still_finds_the_customer(
    run: Run, move_in: Any, database_url: str, tmp_path: Path
) -> None:
    """Nothing of ann's was booked yet."""
    make_known(database_url, "ann")
    move_in(json_lines(tmp_path / "rows.jsonl", ROWS[4:]))
    assert run("customer", "rename", "ann", "anna").exit_code == 0
    code, report, refused = move_in(json_lines(tmp_path / "rows.jsonl", ROWS))
    assert (code, refused, report["newCustomers"], report["followed"]) == (0, [], 0, 4)
    assert (balances(database_url), library(database_url)) == ({"anna": 500, "bob": 30}, {("anna", "a")})
    assert asked(database_url, "SELECT customer_id FROM customer WHERE groups = '{gold}'") == [("anna",)]


def test_how_many_rows_were_followed_is_told(run: Run, renamed: Path, tmp_path: Path) -> None:
    told = run("move-in", renamed, "--refused", tmp_path / "refused.jsonl").stdout
    assert "renamed    4 rows went to customers who have another custId now" in told
    other = json_lines(tmp_path / "other.jsonl", [lot("bob", 30)])
    assert "renamed" not in run("move-in", other, "--refused", tmp_path / "refused.jsonl").stdout


def test_after_several_renamings_every_name_is_known(
    run: Run, move_in: Any, database_url: str, renamed: Path, tmp_path: Path
) -> None:
    assert run("customer", "rename", "anna", "anne").exit_code == 0
    for number, row in enumerate([lot("ann", 500), lot("anna", 7, "bonus"), lot("anne", 1, currency="GEM")]):
        code, report, refused = move_in(json_lines(tmp_path / "rows.jsonl", [row]))
        assert (code, refused, report["newCustomers"], report["customers"]) == (0, [], 0, 1)
        assert report["followed"] == (number < 2)
    assert balances(database_url) == {"anne": 508, "bob": 30}


@pytest.mark.parametrize("names", [("anne", "ann"), ("ann", "anna")])
def test_who_is_named_in_two_ways_may_be_two(
    run: Run, move_in: Any, database_url: str, renamed: Path, tmp_path: Path, names: tuple[str, str]
) -> None:
    """A later file of the same move may mean somebody else by the name of before."""
    assert run("customer", "rename", "anna", "anne").exit_code == 0
    before = balances(database_url)
    code, report, refused = move_in(
        json_lines(tmp_path / "rows.jsonl", [lot(names[0], 7, "bonus"), lot(names[1], 8, currency="GEM")])
    )
    assert (code, report["followed"]) == (1, 0)
    assert refusals(refused) == {("custId", name) for name in names if name != "anne"}
    assert all("ann" in row["reason"] and "--cust-ids" in row["reason"] for row in refused)
    assert balances(database_url) == before | ({"anne": 507} if "anne" in names else {"anne": 500})


def test_rows_of_a_new_move_are_not_followed(move_in: Any, database_url: str, renamed: Path, tmp_path: Path) -> None:
    """Somebody else may have the custId since, of whom the shop has not heard."""
    before = asked(database_url, "SELECT * FROM transfer ORDER BY customer, seq")
    rows = [customer("ann", groups=["new"]), lot("ann", 5), right("ann", "b"), order("ann", "9")]
    code, report, refused = move_in(json_lines(tmp_path / "rows.jsonl", rows), "--name", "more")
    assert (code, report["newCustomers"], report["followed"], len(refused)) == (1, 0, 0, 4)
    assert refusals(refused) == {("custId", "ann")}
    assert refused[0]["reason"].startswith("ann was renamed to anna before this move began: say by --cust-ids")
    assert asked(database_url, "SELECT * FROM transfer ORDER BY customer, seq") == before
    assert asked(database_url, "SELECT customer_id, groups FROM customer ORDER BY 1") == [
        ("anna", ["gold"]),
        ("bob", []),
    ]
    assert len(asked(database_url, "SELECT FROM past_order")) == 1


@pytest.mark.parametrize(("meaning", "has"), [("before", "anna"), ("now", "ann")])
@pytest.mark.parametrize("known", [False, True])
def test_who_is_meant_can_be_said(
    move_in: Any, database_url: str, renamed: Path, tmp_path: Path, meaning: str, has: str, known: bool
) -> None:
    if known:
        make_known(database_url, "ann")
    file = json_lines(tmp_path / "rows.jsonl", [lot("ann", 5), right("ann", "b")])
    code, report, _ = move_in(file, "--name", "more", "--cust-ids", meaning)
    assert (code, report["followed"], report["newCustomers"]) == (
        0,
        2 * (meaning == "before"),
        has == "ann" and not known,
    )
    assert balances(database_url) == ({"anna": 505, "bob": 30} if has == "anna" else {"ann": 5, "anna": 500, "bob": 30})
    assert (has, "b") in library(database_url)
    require_agreement(database_url)


def test_who_has_the_name_now_is_not_taken_for_whom_the_move_knew(
    move_in: Any, database_url: str, renamed: Path, tmp_path: Path
) -> None:
    make_known(database_url, "ann")
    code, report, refused = move_in(renamed)
    assert (code, report["agrees"], {row["line"] for row in refused}) == (1, True, {1, 2, 3, 4})
    assert refusals(refused) == {("custId", "ann")}
    assert "somebody else has the custId ann now" in refused[0]["reason"]
    assert balances(database_url) == {"anna": 500, "bob": 30}
    assert move_in(json_lines(tmp_path / "more.jsonl", [lot("ann", 5)]), "--name", "more")[0] == 1
    assert balances(database_url) == {"anna": 500, "bob": 30}
    assert asked(database_url, "SELECT groups FROM customer WHERE customer_id = 'ann'") == [([],)]


@pytest.mark.parametrize("first", ["ann", "bob"])
def test_who_was_renamed_to_what_another_was_called_is_found_by_the_custid_in_the_file(
    run: Run, move_in: Any, database_url: str, tmp_path: Path, first: str
) -> None:
    """bob became bobby, and then ann became bob: ann means that bob, and bob may mean either."""
    rows = [*ROWS, customer("bob", groups=["silver"]), lot("ann", 1, "bonus"), lot("bob", 2, "bonus")]
    rows.sort(key=lambda row: row["custId"] != first)
    file = json_lines(tmp_path / "rows.jsonl", rows)
    move_in(file)
    assert run("customer", "rename", "bob", "bobby").exit_code == 0
    assert run("customer", "rename", "ann", "bob").exit_code == 0
    has = {"bob": 501, "bobby": 32}
    code, report, refused = move_in(file)
    assert (code, report["agrees"], report["followed"], len(refused)) == (1, True, 5, 3)
    assert refusals(refused) == {("custId", "bob")}
    assert (balances(database_url), library(database_url)) == (has, {("bob", "a")})
    code, report, refused = move_in(file, "--cust-ids", "before")
    assert (code, refused, report["agrees"], report["followed"], report["newCustomers"]) == (0, [], True, 8, 0)
    assert (balances(database_url), library(database_url)) == (has, {("bob", "a")})
    groups = "SELECT customer_id, groups FROM customer ORDER BY 1"
    assert asked(database_url, groups) == [("bob", ["gold"]), ("bobby", ["silver"])]
    require_agreement(database_url)


@pytest.mark.parametrize("said", [(), ("--cust-ids", "before")])
def test_a_name_that_two_renamed_customers_had_is_refused(
    run: Run, move_in: Any, database_url: str, renamed: Path, said: tuple[str, ...]
) -> None:
    make_known(database_url, "ann")
    assert run("customer", "rename", "ann", "annette").exit_code == 0
    code, _, refused = move_in(renamed, *said)
    assert (code, {row["line"] for row in refused}) == (1, {1, 2, 3, 4})
    assert "had the custId ann" in refused[0]["reason"]
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
