"""`lingdang move-out`: what it prints."""

from pathlib import Path

from support.commands import Run
from support.money import add_products
from support.moving import customer, json_lines, lot, right


def test_what_is_printed(run: Run, database_url: str, tmp_path: Path) -> None:
    add_products(database_url, "a")
    rows = [customer("ann"), lot("ann", 500), lot("bob", 70, "bonus"), right("ann", "a"), customer("carl")]
    run("move-in", str(json_lines(tmp_path / "rows.jsonl", rows)), "--refused", str(tmp_path / "refused.jsonl"))
    run("customer", "add", "dora")
    out = tmp_path / "out"
    printed = (
        f"{out}/customers.jsonl: 4 rows\n{out}/lots.jsonl: 2 rows\n{out}/rights.jsonl: 1 rows\n"
        f"{out}/orders.jsonl: 0 rows\n"
        "BELL bonus: 70 bells in 1 lots\nBELL paid: 500 bells in 1 lots\n"
    )
    assert run("move-out", str(out)).stdout == printed


def test_erased_customers_are_counted(run: Run, tmp_path: Path) -> None:
    run("customer", "add", "dora")
    run("customer", "erase", "dora", "--yes")
    assert "1 erased customers have no rows" in run("move-out", str(tmp_path / "out")).stdout
