"""`lingdang coupons codes` on a database of one's own."""

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result

from lingdang.cli.main import main
from support.vouchers import TEN_OFF


@pytest.fixture
def run(database_url: str, tmp_path: Path) -> Any:
    """Runs one `lingdang coupons codes` on the test's database, which has the coupon `ten`."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO coupon (coupon_id, definition, status, per_customer, created_at, updated_at)"
            " VALUES ('ten', %s, 'active', 1, now(), now())",
            (TEN_OFF,),
        )

    def run(*args: str) -> Result:
        environ = {"LINGDANG_DATABASE_URL": database_url, "LINGDANG_DATA_DIR": str(tmp_path / "data")}
        return CliRunner().invoke(main, ["coupons", "codes", *args], env=environ)

    return run


def stored(database_url: str) -> set[bytes]:
    with psycopg.connect(database_url) as connection:
        return {row[0] for row in connection.execute("SELECT code_hash FROM coupon_code WHERE claimed_by IS NULL")}


def test_codes_are_in_the_file_and_hashed_in_the_database(run: Any, database_url: str, tmp_path: Path) -> None:
    out = tmp_path / "codes.csv"
    made = run("ten", "25000", "--out", str(out), "--json")
    assert made.exit_code == 0, made.output
    assert json.loads(made.stdout) == {"couponId": "ten", "count": 25000, "file": str(out)}
    assert out.stat().st_mode & 0o777 == 0o600
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["couponId"] for row in rows} == {"ten"}
    codes = [row["code"].replace("-", "") for row in rows]
    assert {len(row["code"]) for row in rows} == {20}
    assert {len(code) for code in codes} == {18}
    assert stored(database_url) == {hashlib.sha256(code.encode()).digest() for code in codes}


def test_refusals_make_nothing(run: Any, database_url: str, tmp_path: Path) -> None:
    out = tmp_path / "codes.csv"
    kept = tmp_path / "kept.csv"
    kept.write_text("kept")
    for args, reason in (
        (("none", "5", "--out", str(out)), "there is no coupon none"),
        (("a b", "5", "--out", str(out)), "1 to 64 of"),
        (("ten", "0", "--out", str(out)), "0 is not in the range"),
        (("ten", "5", "--out", str(kept)), "exists already"),
        (("ten", "5", "--out", str(tmp_path / "no" / "codes.csv")), "No such file"),
    ):
        refused = run(*args)
        assert refused.exit_code != 0
        assert reason in refused.output
    assert stored(database_url) == set()
    assert not out.exists()
    assert kept.read_text() == "kept"
