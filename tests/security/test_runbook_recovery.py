"""docs/runbooks/recovery.md, command for command: a shop that sells is backed up, lost, restored, and sells on."""

import re
from pathlib import Path

import psycopg
import pytest

from support.reader import headers, signed_in, status, stock
from support.runbook import Runbook
from support.served import Served, is_well, serving


@pytest.fixture
def runbook(tmp_path: Path) -> Runbook:
    places = {name: str(tmp_path / name.lower()) for name in ("BACKUP", "KEYS", "RESTORED", "NEWEST")}
    return Runbook("recovery", LINGDANG_DATA_DIR=str(tmp_path / "shop"), **places)


def test_the_runbook_brings_a_shop_back_and_says_what_is_missing(tmp_path: Path, runbook: Runbook) -> None:
    with serving(tmp_path / "shop", "--http") as served:
        stock(served.database_url())
        ended = _sell_before_and_after_the_backup(served, runbook)
    assert "no differences" in runbook.play("Restore")
    missing = runbook.play("See what is missing", code=1)
    told = re.search(r"journal_rolled_back: .* with (\d+) seals; the log has not, and ends .* and (\d+) seals", missing)
    assert told, missing
    assert int(told[1]) > int(told[2])
    with serving(tmp_path / "restored", "--http") as served:
        with served.client() as anybody:
            assert is_well(anybody)
        assert status(served, ended) == 200, "as the runbook says: a session that was ended is alive again"
        assert "no differences" in runbook.play("Serve")
        with signed_in(served) as ann:
            assert status(served, ended) == 401
            assert {owned.product_id for owned in ann.entitlements()} == {"book-1"}
            assert ann.pay(ann.checkout(["book-2"])).balance == 800


def _sell_before_and_after_the_backup(served: Served, runbook: Runbook) -> dict[str, str]:
    """The headers of a session that was ended after the backup."""
    with signed_in(served) as ann:
        ann.pay(ann.checkout(["book-1"]))
        runbook.play("Back up")
        ann.pay(ann.checkout(["book-2"]))
        ended = headers(ann)
        ann.end_session()
    assert status(served, ended) == 401
    runbook.run("lingdang journal seal")
    runbook.play("Carry the witness away")
    _dump(served, runbook)
    return ended


def _dump(served: Served, runbook: Runbook) -> None:
    """A dump of everything, restored into a database beside it, has both orders."""
    runbook.play("A dump instead")
    with psycopg.connect(served.database_url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE moved")
    target = served.database_url().replace("/postgres?", "/moved?")
    said = runbook.play("Restore the dump", TARGET=target)
    assert "1 wallets, 2 orders, 3 transfers: no differences" in said
