"""One-time codes: all as likely, none twice, stored hashed, and all of them or none."""

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import pytest

from lingdang.coupons import codes
from lingdang.coupons.claiming import code_hash
from lingdang.coupons.codes import NoCouponError, make_codes
from lingdang.coupons.spelling import ALPHABET
from support.vouchers import TEN_OFF


@pytest.fixture
def connection(database_url: str) -> Any:
    with psycopg.connect(database_url, autocommit=True) as opened:
        opened.execute(
            "INSERT INTO coupon (coupon_id, definition, status, per_customer, created_at, updated_at)"
            " VALUES ('ten', %s, 'active', 1, now(), now())",
            (TEN_OFF,),
        )
        yield opened


def stored(connection: Any) -> set[bytes]:
    return {row[0] for row in connection.execute("SELECT code_hash FROM coupon_code").fetchall()}


def test_every_character_is_as_likely() -> None:
    counts = Counter(codes._characters(200_000))
    assert set(counts) == set(ALPHABET)
    expected = 200_000 / len(ALPHABET)
    assert all(abs(count - expected) < 6 * expected**0.5 for count in counts.values())


def test_chunk_after_chunk_is_written_and_told(
    connection: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codes, "CHUNK", 3)
    told: list[int] = []
    make_codes(connection, "ten", 7, tmp_path / "codes.csv", told.append)
    assert told == [3, 3, 1]
    with (tmp_path / "codes.csv").open(newline="") as file:
        made = [row["code"] for row in csv.DictReader(file)]
    assert len(set(made)) == 7
    assert stored(connection) == {code_hash(code.replace("-", "")) for code in made}


def test_an_unknown_coupon_leaves_no_file(connection: Any, tmp_path: Path) -> None:
    with pytest.raises(NoCouponError, match="no coupon none"):
        make_codes(connection, "none", 1, tmp_path / "codes.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_left_alone(connection: Any, tmp_path: Path) -> None:
    (tmp_path / "codes.csv").write_text("mine")
    with pytest.raises(FileExistsError):
        make_codes(connection, "ten", 1, tmp_path / "codes.csv")
    assert (tmp_path / "codes.csv").read_text() == "mine"
    assert stored(connection) == set()


def test_what_breaks_off_leaves_neither_codes_nor_a_file(connection: Any, tmp_path: Path) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_codes(connection, "ten", 5, tmp_path / "codes.csv", interrupt)
    assert list(tmp_path.iterdir()) == []
    assert stored(connection) == set()
