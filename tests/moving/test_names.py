"""The customers of a move: added once, in their groups, and the move remembers what it changed of them."""

from pathlib import Path
from typing import Any

import pytest

from lingdang.moving import names
from support.customers import make_known
from support.moving import asked, customer, json_lines, lot

MOVED = "SELECT customer_id, created, m.groups FROM moved_customer m JOIN customer USING (customer) ORDER BY 1"


def test_the_move_remembers_whom_it_added_and_which_groups(move_in: Any, database_url: str, tmp_path: Path) -> None:
    make_known(database_url, "ann")
    asked(database_url, "UPDATE customer SET groups = '{old,gold}' RETURNING 1")
    rows = [customer("ann", groups=["gold", "new"]), customer("ann", groups=["more"]), lot("bob", 1)]
    move_in(json_lines(tmp_path / "rows.jsonl", rows))
    assert asked(database_url, "SELECT groups FROM customer WHERE customer_id = 'ann'") == [
        (["gold", "more", "new", "old"],)
    ]
    [(ann, ann_added, groups), bob] = asked(database_url, MOVED)
    assert (ann, ann_added, sorted(groups)) == ("ann", False, ["more", "new"])
    assert bob == ("bob", True, [])


def test_more_customers_than_one_transaction_takes(
    move_in: Any, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "PAGE", 2)
    code, report, _ = move_in(json_lines(tmp_path / "rows.jsonl", [lot(f"c{n}", 1) for n in range(5)]))
    assert (code, report["newCustomers"]) == (0, 5)
    assert [row[0] for row in asked(database_url, MOVED)] == [f"c{n}" for n in range(5)]


def test_a_key_that_another_customer_has_is_not_used(
    move_in: Any, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = iter([7, 7, 7, 8])
    monkeypatch.setattr(names, "new_customer", lambda: next(keys))
    code, _, _ = move_in(json_lines(tmp_path / "rows.jsonl", [lot("ann", 1), lot("bob", 1)]))
    assert code == 0
    assert asked(database_url, "SELECT customer FROM customer ORDER BY 1") == [(7,), (8,)]
