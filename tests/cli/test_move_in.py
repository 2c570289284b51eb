"""`lingdang move-in`: what it prints."""

from pathlib import Path

import pytest

from support.commands import Run
from support.money import add_products
from support.moving import a_shop, asked, json_lines, lot, order

ROWS = a_shop()


def test_what_is_printed(run: Run, database_url: str, tmp_path: Path) -> None:
    add_products(database_url, "a", "b", "c")
    file = json_lines(tmp_path / "rows.jsonl", [*ROWS, lot("ann", "x"), order("ann", "1", 90)])
    refused = tmp_path / "refused.jsonl"
    result = run("move-in", str(file), "--refused", str(refused))
    assert result.exit_code == 1
    assert f"{file}:9: amount: Expected a whole number in digits alone, got 'x'" in result.stderr
    assert result.stdout == (
        "main\n"
        "  customers  3, of them new 3\n"
        "  lots, BELL bonus: 70 bells in 1 given, 0 bells in 0 moved in before, 70 bells in 1 moved in now, "
        "70 bells in 1 in the journal\n"
        "  lots, BELL paid: 501 bells in 2 given, 0 bells in 0 moved in before, 501 bells in 2 moved in now, "
        "501 bells in 2 in the journal\n"
        "  lots, GEM paid: 9 bells in 1 given, 0 bells in 0 moved in before, 9 bells in 1 moved in now, "
        "9 bells in 1 in the journal\n"
        "  past orders, BELL: 90 in 1 given, 0 in 0 moved in before, 0 in 0 this shop's own, 90 in 1 moved in now, "
        "90 in 1 in the history\n"
        "  rights: 3 given, 0 moved in before, 0 owned anyway, 3 moved in now, 3 in the journal\n"
        f"  refused    1 rows, see {refused}\n"
        "  before     0 customers, 0 rights, 0 past orders; no bells\n"
        "  after      3 customers, 3 rights, 1 past orders; "
        "BELL bonus 70 in 1 lots; BELL paid 501 in 2 lots; GEM paid 9 in 1 lots\n"
        "  the totals agree\n"
    )


def test_of_many_refused_rows_the_first_are_shown(run: Run, database_url: str, tmp_path: Path) -> None:
    file = json_lines(tmp_path / "rows.jsonl", [lot("ann", 0)] * 25)
    refused = tmp_path / "refused.jsonl"
    result = run("move-in", "--dry-run", str(file), "--refused", str(refused))
    assert (result.exit_code, result.stderr.count("rows.jsonl:")) == (1, 20)
    assert len(refused.read_text().splitlines()) == 25
    assert result.stdout.startswith("main (dry run: nothing was changed)\n")


def test_a_run_without_refusals_leaves_no_file_of_them(run: Run, tmp_path: Path) -> None:
    refused = tmp_path / "refused.jsonl"
    refused.write_text("of the run before")
    file = json_lines(tmp_path / "rows.jsonl", [lot("ann", 5)])
    assert run("move-in", str(file), "--refused", str(refused)).exit_code == 0
    assert not refused.exists()


def test_an_undoing_says_what_it_took_and_of_whom_it_took_nothing(run: Run, database_url: str, tmp_path: Path) -> None:
    file = json_lines(tmp_path / "rows.jsonl", [lot("ann", 5)])
    run("move-in", str(file))
    told = run("move-in", "undo", "main")
    assert (told.exit_code, told.stdout) == (
        0,
        "main undone: 1 credits of 5 bells, 0 rights and 0 past orders taken back; 0 had been before, "
        "0 rights were gone\n",
    )


@pytest.mark.parametrize(
    "arguments", [["--name", "a b"], ["--name", "x" * 17], ["--encoding", "none"], ["undo"], ["undo", "a b"], ["gone"]]
)
def test_impossible_arguments_change_nothing(run: Run, database_url: str, tmp_path: Path, arguments: list[str]) -> None:
    assert run("move-in", *arguments).exit_code == 2
    assert asked(database_url, "SELECT * FROM move") == []
