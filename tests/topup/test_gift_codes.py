"""Gift codes: their check character, how they are typed, and the file that they are written into."""

from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingdang.coupons.claiming import code_hash
from lingdang.coupons.spelling import ALPHABET, CODE_LENGTH, written
from lingdang.topup.gift_codes import Gift, new_codes, read_code, write_codes

PLACES = st.integers(0, CODE_LENGTH - 1)


@given(PLACES, st.sampled_from(ALPHABET))
def test_one_wrong_character_is_seen(place: int, other: str) -> None:
    [code] = new_codes(1)
    typed = code[:place] + other + code[place + 1 :]
    assert read_code(typed) == (code if typed == code else None)


@given(st.integers(0, CODE_LENGTH - 3))
def test_two_that_changed_places_are_seen(place: int) -> None:
    [code] = new_codes(1)
    typed = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assert read_code(typed) == (code if typed == code else None)


def test_it_is_read_as_people_type_it() -> None:
    for code in new_codes(50):
        for typed in (written(code), written(code).lower(), f" {written(code)}\n", code.replace("0", "O")):
            assert read_code(typed) == code
        for typed in (code[:-1], code + "0", "", "!" * CODE_LENGTH):
            assert read_code(typed) is None


def test_the_file_has_them_and_the_database_their_hashes(database_url: str, tmp_path: Path) -> None:
    out, told = tmp_path / "codes.csv", []
    gift = Gift(campaign="spring", currency="BELL", amount=100)
    with psycopg.connect(database_url, autocommit=True) as connection:
        write_codes(connection, gift, 20_001, out, told.append)
        head, *lines = out.read_text().splitlines()
        kept = {bytes(row[0]) for row in connection.execute("SELECT code_hash FROM gift_code")}
        with pytest.raises(FileExistsError):
            write_codes(connection, gift, 1, out, told.append)
    assert (head, sum(told), oct(out.stat().st_mode & 0o777)) == ("code,campaign,amount", 20_001, "0o600")
    codes = [read_code(line.split(",")[0]) for line in lines]
    assert kept == {code_hash(code) for code in codes if code}
    assert len(kept) == 20_001
