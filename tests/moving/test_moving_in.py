"""What the rows become, that they become it once, and what is counted."""

from pathlib import Path
from typing import Any

import pytest

from support.moving import (
    a_shop,
    asked,
    balances,
    comma_separated,
    customer,
    json_lines,
    library,
    lot,
    require_agreement,
    right,
)

ROWS = a_shop()


def totals(report: Any, column: str) -> dict[tuple[str, str, str], tuple[int, int]]:
    return {
        (each["kind"], each["currency"], each["origin"]): (each[column]["rows"], each[column]["bells"])
        for each in report["controls"]
    }


GIVEN = {
    ("lot", "BELL", "bonus"): (1, 70),
    ("lot", "BELL", "paid"): (2, 501),
    ("lot", "GEM", "paid"): (1, 9),
    ("right", "", ""): (3, 0),
}


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_the_rows_become_customers_lots_and_rights(move_in: Any, database_url: str, tmp_path: Path, form: str) -> None:
    if form == "csv":
        file = comma_separated(tmp_path / "rows.csv", [*ROWS[1:], customer("ann", groups="gold;early")])
    else:
        file = json_lines(tmp_path / "rows.jsonl", ROWS)
    code, report, refused = move_in(file)
    assert (code, refused, report["agrees"]) == (0, [], True)
    assert (report["customers"], report["newCustomers"]) == (3, 3)
    assert totals(report, "given") == totals(report, "moved") == totals(report, "booked") == GIVEN
    assert balances(database_url) == {"ann": 579, "auth0|5f7c": 1}
    assert library(database_url) == {("ann", "a"), ("ann", "b"), ("bob@example.com", "c")}
    assert asked(database_url, "SELECT groups FROM customer WHERE customer_id = 'ann'") == [(["early", "gold"],)]
    assert asked(database_url, "SELECT lots FROM wallet WHERE lots @> '{bonus@2999-01-31T16:00:00.000Z}'") != []
    require_agreement(database_url)


def test_a_customer_is_known_since_the_row_says_so(move_in: Any, database_url: str, tmp_path: Path) -> None:
    move_in(json_lines(tmp_path / "rows.jsonl", ROWS))
    since = "SELECT customer_id FROM customer WHERE created_at = '2020-05-01T00:00:00Z'"
    assert asked(database_url, since) == [("ann",)]


def test_the_same_file_again_changes_nothing(move_in: Any, database_url: str, tmp_path: Path) -> None:
    file = json_lines(tmp_path / "rows.jsonl", ROWS)
    move_in(file)
    before = asked(database_url, "SELECT * FROM transfer ORDER BY customer, seq")
    code, report, _ = move_in(file)
    assert (code, report["agrees"], report["newCustomers"]) == (0, True, 0)
    assert totals(report, "before") == GIVEN
    assert set(totals(report, "moved").values()) == {(0, 0)}
    assert asked(database_url, "SELECT * FROM transfer ORDER BY customer, seq") == before


def test_a_corrected_file_brings_what_was_refused_and_nothing_twice(
    move_in: Any, database_url: str, tmp_path: Path
) -> None:
    code, _, refused = move_in(json_lines(tmp_path / "rows.jsonl", [*ROWS, lot("carl", "many"), right("carl", "zzz")]))
    assert (code, [(row["line"], row["field"]) for row in refused]) == (1, [(9, "amount"), (10, "productId")])
    code, report, refused = move_in(json_lines(tmp_path / "rows.jsonl", [lot("carl", 4), *ROWS]))
    assert (code, refused) == (0, [])
    assert totals(report, "moved")["lot", "BELL", "paid"] == (1, 4)
    assert balances(database_url) == {"ann": 579, "auth0|5f7c": 1, "carl": 4}


def test_a_dry_run_tells_all_and_changes_nothing(move_in: Any, database_url: str, tmp_path: Path) -> None:
    file = json_lines(tmp_path / "rows.jsonl", [*ROWS, lot("ann", 0), lot("ann", 500)])
    code, report, refused = move_in("--dry-run", file)
    assert (code, report["dryRun"], report["newCustomers"]) == (1, True, 3)
    assert totals(report, "given") == GIVEN
    assert [(row["line"], row["field"]) for row in refused] == [(9, "amount"), (10, "")]
    for table in ("customer", "wallet", "transfer", "entitlement", "move", "moved_customer"):
        assert asked(database_url, f"SELECT * FROM {table}") == []


def test_a_second_source_has_a_name_of_its_own(move_in: Any, database_url: str, tmp_path: Path) -> None:
    file = json_lines(tmp_path / "rows.jsonl", [lot("ann", 5), right("ann", "a")])
    move_in(file)
    code, report, _ = move_in(file, "--name", "games")
    assert (code, report["agrees"]) == (0, True)
    assert totals(report, "owned")["right", "", ""] == (1, 0)
    assert balances(database_url) == {"ann": 10}
    require_agreement(database_url)
