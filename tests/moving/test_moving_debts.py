"""Debts and frozen bells, as shops are moved and customers erased: nothing of them is forgotten without a word."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lingdang.ledger.rules import Command
from support.commands import Run
from support.ledger import take_back, topup
from support.money import line, open_settlement, pay
from support.moving import asked, balances, customer, json_lines, lot, require_agreement
from support.shop import PATIENCE

ROWS = [customer("ann"), customer("bob"), customer("cleo"), lot("cleo", 5)]


@pytest.fixture
def people(move_in: Any, tmp_path: Path, database_url: str) -> dict[str, int]:
    """Ann owes 60 bells; Bob has 70, and 30 that are frozen; Cleo has 5."""
    move_in(json_lines(tmp_path / "rows.jsonl", ROWS), "--name", "first")
    keys = dict(asked(database_url, "SELECT customer_id, customer FROM customer"))
    ann, bob = keys["ann"], keys["bob"]
    settle(database_url, topup(1, 100, customer=ann), topup(2, 100, customer=bob), pay(ann, line("a", 60)))
    settle(database_url, take_back(1, 100, customer=ann), take_back(2, 0, 30, customer=bob))
    return keys


def settle(database_url: str, *commands: Command) -> None:
    async def submit() -> None:
        async with open_settlement(database_url, seconds=PATIENCE, give_up_seconds=PATIENCE) as settlement:
            for command in commands:
                await settlement.submit(command)

    asyncio.run(submit())


def test_what_does_not_leave_is_told(run: Run, people: dict[str, int], tmp_path: Path) -> None:
    told = run("move-out", tmp_path / "out")
    assert "BELL: 60 bells of debts and 30 frozen ones do not leave, of 2 wallets" in told.stdout
    written = msgspec.json.decode(run("move-out", tmp_path / "again", "--json").stdout)
    assert written["staying"] == [{"currency": "BELL", "debt": 60, "frozen": 30, "wallets": 2}]
    lots = [msgspec.json.decode(each) for each in (tmp_path / "out" / "lots.jsonl").read_text().splitlines()]
    assert {each["custId"]: each["amount"] for each in lots} == {"bob": 70, "cleo": 5}


@pytest.mark.parametrize(("who", "has"), [("ann", "60 owed BELL"), ("bob", "70 BELL and 30 frozen BELL")])
def test_who_owes_or_has_frozen_bells_is_erased_only_where_it_is_said(
    run: Run, people: dict[str, int], database_url: str, who: str, has: str
) -> None:
    refused = run("customer", "erase", who, "--yes")
    assert (refused.exit_code, has in refused.stderr) == (1, True)
    [wallet] = msgspec.json.decode(run("customer", "export", who).stdout)["wallets"]
    assert (wallet["balance"], wallet["debt"], wallet["frozen"]) == ((0, 60, 0) if who == "ann" else (70, 0, 30))
    assert run("customer", "erase", who, "--yes", "--despite-bells").exit_code == 0
    require_agreement(database_url)
    settle(database_url, take_back(1, customer=people["ann"]), take_back(2, customer=people["bob"]))
    assert asked(database_url, "SELECT debt, balance FROM wallet ORDER BY 2") == [(0, 5), (0, 40), (0, 100)]
    require_agreement(database_url)


def test_a_renamed_customer_still_owes(run: Run, people: dict[str, int], database_url: str) -> None:
    assert run("customer", "rename", "ann", "anna").exit_code == 0
    [wallet] = msgspec.json.decode(run("customer", "export", "anna").stdout)["wallets"]
    assert wallet["debt"] == 60


def test_what_is_moved_in_pays_a_debt_and_is_known_again(
    run: Run, move_in: Any, people: dict[str, int], database_url: str, tmp_path: Path
) -> None:
    file = json_lines(tmp_path / "more.jsonl", [lot("ann", 100), lot("bob", 1)])
    for _ in range(2):
        code, report, refused = move_in(file, "--name", "second")
        assert (code, refused) == (0, [])
        [control] = [each for each in report["controls"] if each["kind"] == "lot"]
        assert control["booked"] == {"rows": 2, "bells": 101}, control
    assert balances(database_url) == {"ann": 40, "bob": 71, "cleo": 5}
    undone = run("move-in", "undo", "second", "--json")
    report = msgspec.json.decode(undone.stdout)
    assert (report["spent"], report["credits"]) == (["ann"], 0), "she has paid her debt with it"
    assert balances(database_url) == {"ann": 40, "bob": 71, "cleo": 5}
    require_agreement(database_url)
