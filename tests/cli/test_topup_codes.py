"""`lingdang topup codes` on a database of one's own."""

import csv
from pathlib import Path

import psycopg

from support.commands import Run


def test_gift_codes_are_in_a_new_file_alone(topup: Run, database_url: str, tmp_path: Path) -> None:
    out = tmp_path / "codes.csv"
    done = topup("codes", "spring", "3", "--amount", "100", "--expires", "2099-01-31", "--out", str(out))
    assert done.exit_code == 0, done.output
    rows = list(csv.reader(out.open()))
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*), min(amount) FROM gift_code").fetchone() == (3, 100)
    assert len(rows) >= 3
    over = topup(
        "codes", "spring", "3", "--amount", "100", "--expires", "2020-01-31", "--out", str(tmp_path / "late.csv")
    )
    assert (over.exit_code, "2020-01-31 is over" in over.output) == (2, True)
    assert not (tmp_path / "late.csv").exists()
    again = topup("codes", "spring", "3", "--amount", "100", "--out", str(out))
    assert (again.exit_code, "exists already" in again.output) == (1, True)
