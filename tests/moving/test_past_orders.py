"""Orders of the system before are history: there once, counted, and without any effect on bells, rights and journal."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from lingdang.moving import past_orders
from support.commands import Run
from support.moving import asked, balances, comma_separated, json_lines, library, lot, order, require_agreement, right

KEPT = """
SELECT c.customer_id, p.move, p.order_id, p.currency, p.total, p.status
  FROM past_order p JOIN customer c USING (customer)
 ORDER BY 1, 2, 3
"""
ROWS = [
    order("ann", "2021-1"),
    order("ann", "2021-2", 600, currency="CNY", status="refunded", paidAt="2020-12-31"),
    order("bob", "2021-1", 10, lines=[{"title": "A mug", "price": 7}, {"title": "Postage", "price": 3, "payable": 3}]),
]
ALL = [
    ("ann", "main", "2021-1", "BELL", 90, "paid"),
    ("ann", "main", "2021-2", "CNY", 600, "refunded"),
    ("bob", "main", "2021-1", "BELL", 10, "paid"),
]


def totals(report: Any, column: str) -> dict[tuple[str, str], tuple[int, int]]:
    return {
        (each["kind"], each["currency"]): (each[column]["rows"], each[column]["bells"]) for each in report["controls"]
    }


GIVEN = {("order", "BELL"): (2, 100), ("order", "CNY"): (1, 600)}


def test_they_become_history_and_nothing_else(move_in: Any, database_url: str, tmp_path: Path) -> None:
    code, report, refused = move_in(json_lines(tmp_path / "orders.jsonl", ROWS))
    assert (code, refused, report["agrees"], report["newCustomers"]) == (0, [], True, 2)
    assert totals(report, "given") == totals(report, "moved") == totals(report, "booked") == GIVEN
    assert (report["before"]["past_orders"], report["after"]["past_orders"]) == (0, 3)
    assert asked(database_url, KEPT) == ALL
    assert (balances(database_url), library(database_url)) == ({}, set())
    assert asked(database_url, "SELECT FROM transfer") == []
    lines = asked(database_url, "SELECT lines FROM past_order WHERE total = 10")
    assert lines == [([{"title": "A mug", "price": 7, "payable": 7}, {"title": "Postage", "price": 3, "payable": 3}],)]
    require_agreement(database_url)


def test_a_dry_run_counts_them_and_adds_none(move_in: Any, database_url: str, tmp_path: Path) -> None:
    code, report, _ = move_in("--dry-run", json_lines(tmp_path / "orders.jsonl", ROWS))
    assert (code, totals(report, "given"), set(totals(report, "moved").values())) == (0, GIVEN, {(0, 0)})
    assert asked(database_url, KEPT) == asked(database_url, "SELECT * FROM customer") == []


def test_the_same_again_adds_nothing(move_in: Any, database_url: str, tmp_path: Path) -> None:
    file = json_lines(tmp_path / "orders.jsonl", ROWS)
    move_in(file)
    code, report, _ = move_in(file)
    assert (code, report["agrees"], totals(report, "before")) == (0, True, GIVEN)
    assert set(totals(report, "moved").values()) == {(0, 0)}
    assert asked(database_url, KEPT) == ALL


def test_a_run_that_was_broken_off_goes_on(
    move_in: Any, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One page of two orders was added; the next run adds the third."""
    monkeypatch.setattr(past_orders, "PAGE", 2)
    file = json_lines(tmp_path / "orders.jsonl", ROWS)
    move_in(file)
    assert len(asked(database_url, "DELETE FROM past_order WHERE total = 600 RETURNING 1")) == 1
    code, report, _ = move_in(file)
    assert (code, report["agrees"]) == (0, True)
    assert totals(report, "moved") == {("order", "BELL"): (0, 0), ("order", "CNY"): (1, 600)}
    assert asked(database_url, KEPT) == ALL


def test_the_same_id_of_another_system_is_another_order(move_in: Any, database_url: str, tmp_path: Path) -> None:
    move_in(json_lines(tmp_path / "1.jsonl", [order("ann", "1", 5)]))
    assert move_in(json_lines(tmp_path / "2.jsonl", [order("ann", "1", 7)]), "--name", "games")[0] == 0
    assert [(row[1], row[4]) for row in asked(database_url, KEPT)] == [("games", 7), ("main", 5)]


BAD = [
    ({"orderId": ""}, "orderId", "missing"),
    ({"orderId": "x" * 65}, "orderId", "<= 64"),
    ({"orderId": "a\nb"}, "orderId", "control"),
    ({"paidAt": "last year"}, "paidAt", "Expected a day"),
    ({"paidAt": "2999-01-01"}, "paidAt", "yet to come"),
    ({"paidAt": None}, "paidAt", "missing"),
    ({"total": "9.90"}, "total", "whole number"),
    ({"total": -1}, "total", ">= 0"),
    ({"total": 10**15 + 1}, "total", "<= 1000000000000000"),
    ({"status": "shipped"}, "status", "shipped"),
    ({"currency": "yuan"}, "currency", "1 to 16 of"),
    ({"lines": []}, "lines", ">= 1"),
    ({"lines": "Emma"}, "lines", "array"),
    ({"lines": [5]}, "lines[0]", "object"),
    ({"lines": [{"title": "Emma"}]}, "lines[0]", "price"),
    ({"lines": [{"title": "Emma", "price": 1.5}]}, "lines[0].price", "whole number"),
    ({"lines": [{"title": "Emma", "price": 1}, {"title": "", "price": 1}]}, "lines[1].title", ">= 1"),
    ({"lines": [{"title": "Emma", "price": 1, "productId": "a b"}]}, "lines[0].productId", "1 to 64 of"),
    ({"lines": [{"title": "Emma", "price": 1, "count": 2}]}, "lines[0]", "unknown"),
    ({"amount": 3}, "amount", "unknown"),
]


@pytest.mark.parametrize(("changed", "field", "why"), BAD)
def test_a_bad_order_is_named_with_its_field_and_reason(
    move_in: Any, database_url: str, tmp_path: Path, changed: dict[str, Any], field: str, why: str
) -> None:
    code, report, [told] = move_in(json_lines(tmp_path / "orders.jsonl", [*ROWS, order("carl", "9") | changed]))
    assert (code, report["refused"], report["agrees"]) == (1, 1, True)
    assert (told["line"], told["field"]) == (4, field)
    assert why in told["reason"]
    assert told["row"]["kind"] == "order"
    assert asked(database_url, KEPT) == ALL


def test_a_title_that_is_no_text_is_refused(move_in: Any, database_url: str, tmp_path: Path) -> None:
    file = json_lines(tmp_path / "orders.jsonl", [order("ann", "1"), *ROWS])
    first, rest = file.read_bytes().split(b"\n", 1)
    file.write_bytes(first.replace(b"Emma", rb"\ud800") + b"\n" + first.replace(b"Emma", rb"\u0000") + b"\n" + rest)
    code, _, refused = move_in(file)
    assert (code, [row["line"] for row in refused]) == (1, [1, 2])
    assert asked(database_url, KEPT) == ALL


def test_what_is_given_twice_or_differs_from_before_is_refused(move_in: Any, database_url: str, tmp_path: Path) -> None:
    move_in(json_lines(tmp_path / "orders.jsonl", ROWS))
    other = order("ann", "2021-1", lines=[{"title": "Persuasion", "price": 90}])
    code, report, refused = move_in(json_lines(tmp_path / "orders.jsonl", [other, *ROWS[1:], ROWS[1]]))
    assert (code, report["agrees"]) == (1, True)
    assert [(row["line"], row["reason"].partition(" was ")[0]) for row in refused] == [
        (1, "this order"),
        (4, "the same order"),
    ]
    assert (refused[0]["row"]["orderId"], refused[0]["row"]["lines"][0]["title"]) == ("2021-1", "Persuasion")
    assert asked(database_url, KEPT) == ALL


def test_a_csv_file_of_orders_is_refused(run: Run, move_in: Any, database_url: str, tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("kind,custId,orderId,paidAt,total\norder,ann,1,2021-03-01,90\n")
    result = run("move-in", tmp_path / "orders.csv")
    assert (result.exit_code, "send them as JSON Lines" in result.stderr) == (2, True)
    code, _, [told] = move_in(
        comma_separated(tmp_path / "rows.csv", [{"kind": "order", "custId": "ann"}, lot("ann", 5)])
    )
    assert (code, told["field"], "send them as JSON Lines" in told["reason"]) == (1, "kind", True)
    assert (balances(database_url), asked(database_url, KEPT)) == ({"ann": 5}, [])


def test_undoing_a_move_takes_its_orders_and_no_others(
    run: Run, move_in: Any, database_url: str, tmp_path: Path
) -> None:
    move_in(json_lines(tmp_path / "1.jsonl", ROWS))
    move_in(json_lines(tmp_path / "2.jsonl", [order("ann", "1")]), "--name", "games")
    report = msgspec.json.decode(run("move-in", "undo", "main", "--json").stdout)
    assert report["pastOrders"] == 3
    assert [row[1] for row in asked(database_url, KEPT)] == ["games"]
    assert msgspec.json.decode(run("move-in", "undo", "main", "--json").stdout)["pastOrders"] == 0


def test_one_customers_past_orders_are_told_kept_through_a_renaming_and_erased(
    run: Run, move_in: Any, database_url: str, tmp_path: Path
) -> None:
    move_in(json_lines(tmp_path / "orders.jsonl", ROWS))
    assert run("customer", "rename", "ann", "anna").exit_code == 0
    told = msgspec.json.decode(run("customer", "export", "anna").stdout)
    assert [(each["orderId"], each["total"]) for each in told["pastOrders"]] == [("2021-2", 600), ("2021-1", 90)]
    assert run("customer", "erase", "anna", "--yes").exit_code == 0
    assert asked(database_url, KEPT) == ALL[2:]
    assert asked(database_url, "SELECT count(*) FROM past_order") == [(1,)]


def test_they_are_moved_out_as_they_came(run: Run, move_in: Any, database_url: str, tmp_path: Path) -> None:
    move_in(json_lines(tmp_path / "orders.jsonl", ROWS))
    move_in(json_lines(tmp_path / "2.jsonl", [order("bob", "2021-1", 8), right("bob", "a")]), "--name", "games")
    assert run("move-out", tmp_path / "out").exit_code == 0
    rows = [msgspec.json.decode(line) for line in (tmp_path / "out/orders.jsonl").read_bytes().splitlines()]
    assert [(row["custId"], row["orderId"], row["total"]) for row in rows if row["custId"] == "bob"] == [
        ("bob", "games:2021-1", 8),
        ("bob", "main:2021-1", 10),
    ]
    assert [row for row in rows if row["orderId"] == "2021-1"] == [
        ROWS[0] | {"currency": "BELL", "status": "paid", "paidAt": "2021-03-01T01:30:00.000000Z"}
    ]
