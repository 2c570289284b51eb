"""Where in a broken CSV row the quoted field begins that has no proper end."""

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingdang.catalog.quotes import opening_line

CELL = st.text(st.sampled_from('ab",\r\n '), max_size=8)


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ('1,"open', 0),
        ('1,a\n2,"open\n3', 1),
        ('1,a\r\n2,"open\r\n3', 1),
        ('1,"a\nb","open', 1),
        ('"a\nb"c', 0),
        ('"a"c', None),
        ("1,a", None),
        ('1,a"b', None),
        ('"a ""quoted"" word"', None),
        ("", None),
    ],
)
def test_where_it_begins(row: str, line: int | None) -> None:
    assert opening_line(row, ",") == line


def test_the_delimiter_is_that_of_the_file() -> None:
    assert opening_line('a;"b', ";") == 0
    assert opening_line('a;"b', ",") is None


@given(st.lists(CELL, min_size=2, max_size=4))
def test_a_row_that_a_writer_wrote_is_whole_until_a_quote_opens_behind_it(cells: list[str]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="").writerow(cells)
    row = out.getvalue()
    assert opening_line(row, ",") is None
    assert opening_line(f'{row},"open', ",") == len(re.findall(r"\r\n|\r|\n", row))
