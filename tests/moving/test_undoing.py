"""`lingdang move-in undo`: a whole move is taken back by rows of the journal, and nothing of one that was spent of."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lingdang.ledger.expiring import Expire
from support.commands import Run
from support.money import credit, line, open_settlement, pay
from support.moving import asked, balances, customer, json_lines, library, lot, require_agreement, right
from support.shop import PATIENCE

ROWS = [
    customer("ann", groups=["gold"]),
    lot("ann", 500),
    lot("ann", 70, "bonus", expiresAt="2999-01-31"),
    right("ann", "a"),
    lot("bob", 30),
    right("bob", "b"),
]


@pytest.fixture
def undo(run: Run) -> Any:
    def undo(name: str = "main") -> tuple[int, Any]:
        result = run("move-in", "undo", name, "--json")
        return result.exit_code, msgspec.json.decode(result.stdout)

    return undo


def key_in(database_url: str, cust_id: str) -> int:
    return int(asked(database_url, f"SELECT customer FROM customer WHERE customer_id = '{cust_id}'")[0][0])


def settle(database_url: str, *commands: Any) -> None:
    async def submit() -> None:
        async with open_settlement(database_url, seconds=PATIENCE, give_up_seconds=PATIENCE) as settlement:
            for command in commands:
                await settlement.submit(command)

    asyncio.run(submit())


def test_a_move_is_undone(move_in: Any, undo: Any, database_url: str, tmp_path: Path) -> None:
    file = json_lines(tmp_path / "rows.jsonl", ROWS)
    move_in(file)
    code, report = undo()
    assert (code, report["credits"], report["bells"], report["rights"]) == (0, 3, 600, 2)
    assert (balances(database_url), library(database_url)) == ({}, set())
    assert asked(database_url, "SELECT groups FROM customer ORDER BY customer_id") == [([],), ([],)]
    require_agreement(database_url)
    code, report = undo()
    assert (code, report["credits"], report["rights"], report["before"]) == (0, 0, 0, 5)


def test_the_name_of_a_move_that_was_undone_is_not_used_again(
    move_in: Any, undo: Any, database_url: str, tmp_path: Path
) -> None:
    file = json_lines(tmp_path / "rows.jsonl", ROWS)
    move_in(file)
    undo()
    code, report, _ = move_in(file)
    assert (code, "was undone" in report["error"]) == (1, True)
    assert balances(database_url) == {}
    assert move_in(file, "--name", "again")[0] == 0
    assert balances(database_url) == {"ann": 570, "bob": 30}


def test_what_others_have_credited_and_granted_stays(
    move_in: Any, undo: Any, database_url: str, tmp_path: Path
) -> None:
    move_in(json_lines(tmp_path / "1.jsonl", [lot("ann", 5), right("ann", "c")]), "--name", "before")
    move_in(json_lines(tmp_path / "2.jsonl", [*ROWS, right("ann", "c")]))
    settle(database_url, credit(key_in(database_url, "ann"), 11, credit_id="main:mine"))
    assert undo()[0] == 0
    assert balances(database_url) == {"ann": 16}
    assert library(database_url) == {("ann", "c")}


def test_where_one_customer_has_spent_nothing_is_changed(
    move_in: Any, undo: Any, database_url: str, tmp_path: Path
) -> None:
    move_in(json_lines(tmp_path / "rows.jsonl", ROWS))
    settle(database_url, pay(key_in(database_url, "bob"), line("c", 10)))
    before = asked(database_url, "SELECT * FROM transfer ORDER BY customer, seq")
    code, report = undo()
    assert (code, report["spent"]) == (1, ["bob"])
    assert asked(database_url, "SELECT * FROM transfer ORDER BY customer, seq") == before
    assert asked(database_url, "SELECT undone_at FROM move") == [(None,)]


def test_an_undoing_that_was_broken_off_goes_on_and_names_who_has_spent_meanwhile(
    move_in: Any, undo: Any, database_url: str, tmp_path: Path
) -> None:
    move_in(json_lines(tmp_path / "rows.jsonl", ROWS))
    asked(database_url, "UPDATE move SET undone_at = now() RETURNING 1")
    settle(database_url, pay(key_in(database_url, "bob"), line("c", 10)))
    code, report = undo()
    assert (code, report["spent"], report["credits"], report["rights"]) == (1, [], 2, 2)
    [kept] = report["kept"]
    assert (kept["custId"], kept["what"], kept["reason"].partition(":")[0]) == ("bob", "paid", "insufficient_bells")
    assert (balances(database_url), library(database_url)) == ({"bob": 20}, {("bob", "c")})
    require_agreement(database_url)


def test_a_payment_of_nothing_spends_nothing(move_in: Any, undo: Any, database_url: str, tmp_path: Path) -> None:
    move_in(json_lines(tmp_path / "rows.jsonl", ROWS))
    bob = key_in(database_url, "bob")
    settle(database_url, pay(bob, line("c", 0)), Expire(customer=bob, currency="BELL"))
    assert undo()[0] == 0
    assert (balances(database_url), library(database_url)) == ({}, {("bob", "c")})


def test_there_was_no_such_move(run: Run, database_url: str) -> None:
    result = run("move-in", "undo", "nothing")
    assert (result.exit_code, "there was no move nothing" in result.stderr) == (1, True)
