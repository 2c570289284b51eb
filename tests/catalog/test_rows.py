"""Reading files of rows: any file gives rows and named lines, never an exception."""

import csv
import io
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingdang.catalog.rows import MAX_FIELD, FileError, Format, Parsed, Source, format_of

CELL = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def read(content: bytes, kind: Format = "csv") -> list[Parsed]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content)
        source = Source(path, kind)
        try:
            return list(source.rows())
        finally:
            source.close()


def test_the_line_is_the_rows_first_physical_one() -> None:
    parsed = read('a,b\r\n1,"two\r\nlines"\r\n\r\n3,4\r\n'.encode("utf-8-sig"))
    assert parsed == [Parsed(2, {"a": "1", "b": "two\r\nlines"}), Parsed(5, {"a": "3", "b": "4"})]


def test_bad_rows_are_named_and_the_next_one_is_read() -> None:
    parsed = read(b'a,b\n1\n1,2,3\n\xff\xfe,2\n1,"x"y\n5,6\n')
    assert [(p.line, p.row is None) for p in parsed] == [(2, True), (3, True), (4, True), (5, True), (6, False)]
    assert parsed[0].reason == "has 1 columns, the header has 2"
    assert parsed[2].reason == "not valid UTF-8"


def test_an_unclosed_quote_costs_a_bounded_part() -> None:
    rows = b"1,2\n" * (3 * MAX_FIELD)
    parsed = read(b'a,b\n1,"open\n' + rows)
    assert parsed[0].row is None
    assert parsed[0].line == 2
    assert parsed[-1] == Parsed(2 + 3 * MAX_FIELD, {"a": "1", "b": "2"})


@pytest.mark.parametrize("content", [b"", b"\n1,2\n", b"a,a\n1,2\n", b'"a\n'])
def test_a_header_that_names_no_columns_is_refused(content: bytes) -> None:
    with pytest.raises(FileError):
        read(content)


def test_json_lines() -> None:
    parsed = read(b'{"a": 1}\n\n[1]\n{"a":\n{"a": "\xff"}\n{"a": 2}', "jsonl")
    assert [(p.line, p.row) for p in parsed] == [(1, {"a": 1}), (3, None), (4, None), (5, None), (6, {"a": 2})]


@given(st.lists(st.lists(CELL, min_size=2, max_size=2).filter(any), max_size=8), st.sampled_from(["\n", "\r\n"]))
def test_what_csv_wrote_is_read_at_its_line(rows: list[list[str]], end: str) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow(["a", "b"])
    expected = []
    for row in rows:
        line = len(io.StringIO(text.getvalue(), newline="").readlines()) + 1
        expected.append(Parsed(line, dict(zip("ab", row, strict=True))))
        writer.writerow(row)
    assert read(text.getvalue().encode()) == expected


@given(st.binary(max_size=200), st.sampled_from(["csv", "jsonl"]))
def test_no_file_breaks_the_reader(content: bytes, kind: Any) -> None:
    try:
        parsed = read(content, kind)
    except FileError:
        return
    assert all((p.row is None) == bool(p.reason) for p in parsed)
    assert [p.line for p in parsed] == sorted({p.line for p in parsed})
    json.dumps([p.row for p in parsed])


def test_the_format_is_told_by_the_name() -> None:
    assert format_of(Path("x.CSV")) == "csv"
    assert format_of(Path("x.ndjson")) == "jsonl"
    with pytest.raises(FileError):
        format_of(Path("x.txt"))
