"""Reading files of rows: any file gives rows and named lines, never an exception."""

import csv
import io
import json
import os
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingdang.catalog import rows as rows_module
from lingdang.catalog.encodings import Encoding
from lingdang.catalog.rows import FileError, Format, Parsed, Source, format_of
from lingdang.catalog.text import trimmed

CELL = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def read(content: bytes, kind: Format = "csv", encoding: Encoding = "utf-8") -> list[Parsed]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content)
        source = Source(path, kind, encoding)
        try:
            return list(source.rows())
        finally:
            source.close()


def test_the_line_is_the_rows_first_physical_one() -> None:
    parsed = read('a,b\r\n1,"two\r\nlines"\r\n\r\n3,4\r\n'.encode("utf-8-sig"))
    assert parsed == [Parsed(2, {"a": "1", "b": "two\r\nlines"}), Parsed(5, {"a": "3", "b": "4"})]


def test_bad_rows_are_named_and_the_next_one_is_read() -> None:
    parsed = read(b'a,b\n1,2,3\n\xff\xfe,2\n1,"x"y\n5,6\n')
    assert [(p.line, p.row is None) for p in parsed] == [(2, True), (3, True), (4, True), (5, False)]
    assert parsed[0].reason == "has 3 columns, the header has 2"
    assert parsed[1].reason == "not UTF-8"


def test_spreadsheets_rows_blank_short_and_with_a_tail() -> None:
    parsed = read("a,b\n1\n,\n , \u3000\n\n,,,\n\u200b,\ufeff\n3,4,,\n".encode())
    assert parsed == [Parsed(2, {"a": "1"}), Parsed(8, {"a": "3", "b": "4"})]


@pytest.mark.parametrize("sign", [";", "\t", "|"])
def test_what_stands_between_the_names_stands_between_the_cells(sign: str) -> None:
    assert read(f'"a"{sign}b\n"1,{sign}"{sign}2\n'.encode()) == [Parsed(2, {"a": f"1,{sign}", "b": "2"})]
    assert read(f"sep={sign}\na{sign}b\n1{sign}2\n".encode()) == [Parsed(3, {"a": "1", "b": "2"})]


def test_a_column_without_a_name_is_called_by_its_place() -> None:
    assert read(b"a,,b\n1,2,3\n") == [Parsed(2, {"a": "1", "column 2": "2", "b": "3"})]


def test_an_unclosed_quote_costs_its_own_row_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_module, "MAX_ROW", 2**12)
    rows = b"1,2\n" * 2**12
    parsed = read(b'a,b\n1,"open\n' + rows)
    assert parsed[0] == Parsed(2, None, "a quoted field that begins on line 2 is not closed")
    assert parsed[1:] == [Parsed(3 + n, {"a": "1", "b": "2"}) for n in range(2**12)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_rows_behind_an_unclosed_quote_are_read_whatever_closes_it(end: bytes) -> None:
    lines = (b"a,b", b'1,"two', b'lines"', b'2,"open', b"3,x", b'4,"y",', b"5,z", b'6,"last')
    parsed = read(end.join(lines))
    assert [(p.line, p.row and p.row["a"]) for p in parsed] == [
        (2, "1"), (4, None), (5, "3"), (6, "4"), (7, "5"), (8, None),
    ]  # fmt: skip
    assert "line 4 is not closed" in parsed[1].reason
    assert "line 8 is not closed" in parsed[-1].reason


def test_a_broken_row_is_not_read_again_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_module, "_READ_AGAIN", 1)
    monkeypatch.setattr(rows_module, "MAX_ROW", 20)
    parsed = read(b"a,b\n" + b'x","y\n' * 8 + b"1,2\n")
    assert [(p.line, p.reason) for p in parsed] == [
        (2, "a quoted field that begins on line 5 is not closed; lines 2 to 5 are passed over"),
        (6, "a quoted field that begins on line 9 is not closed; lines 6 to 9 are passed over"),
        (10, ""),
    ]


@pytest.mark.parametrize("content", [b"", b"\n,\n", b"a,a\n1,2\n", b'"a\n'])
def test_a_header_that_names_no_columns_is_refused(content: bytes) -> None:
    with pytest.raises(FileError):
        read(content)


def test_json_lines() -> None:
    parsed = read(b'{"a": 1}\n\n[1]\n{"a":\n{"a": "\xff"}\n{"a": 2}', "jsonl")
    assert [(p.line, p.row) for p in parsed] == [(1, {"a": 1}), (3, None), (4, None), (5, None), (6, {"a": 2})]


@given(
    st.lists(st.lists(CELL, min_size=2, max_size=2).filter(lambda row: any(map(trimmed, row))), max_size=8),
    st.sampled_from(["\n", "\r\n"]),
)
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


BOOK = "id,书名\n1,三体，黑暗森林\n2,Étranger\n"
READ = [Parsed(2, {"id": "1", "书名": "三体，黑暗森林"}), Parsed(3, {"id": "2", "书名": "Étranger"})]


@pytest.mark.parametrize(
    ("codec", "encoding"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("gb18030", "gb18030"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16"),
        ("utf-16-be", "utf-16"),
    ],
)
def test_encodings_are_read_as_they_are_said(codec: str, encoding: Encoding) -> None:
    assert read(BOOK.encode(codec), encoding=encoding) == READ


@pytest.mark.parametrize(
    ("content", "encoding", "message"),
    [
        (BOOK.encode("gb18030"), "utf-8", "not UTF-8 (line 1): it looks like GB18030, so say --encoding gb18030"),
        (b"a,b\n" * 5000 + "1,三体".encode("gb18030"), "utf-8", "not UTF-8 (line 5001): it looks like GB18030"),
        (BOOK.encode("utf-16"), "utf-8", "not UTF-8: it looks like UTF-16, so say --encoding utf-16"),
        (BOOK.encode("utf-16-be"), "utf-8", "not UTF-8: it looks like UTF-16, so say --encoding utf-16"),
        ("id,作者\n".encode("big5"), "utf-8", "not UTF-8"),
        ("id,b\n1,é\n2,é\n3,é\n".encode("latin-1"), "utf-8", "not UTF-8 (line 2)"),
        (BOOK.encode("utf-8-sig"), "gb18030", "begins with the byte order mark of UTF-8: leave --encoding out"),
        (b"a,b\n1,\xff\n", "gb18030", "not GB18030 (line 2)"),
        (BOOK.encode("utf-16")[:-1], "utf-16", "not UTF-16"),
    ],
)
def test_a_file_in_another_encoding_is_told_so_in_one_line(content: bytes, encoding: Encoding, message: str) -> None:
    with pytest.raises(FileError) as refused:
        read(content, encoding=encoding)
    assert str(refused.value).startswith(message)


def test_a_few_broken_bytes_spoil_their_row_and_not_the_file() -> None:
    parsed = read("id,书名\n1,三体\n2,".encode() + b"caf\xe9\n" + "3,活着\n".encode())
    assert [(p.line, p.reason) for p in parsed] == [(2, ""), (3, "not UTF-8"), (4, "")]


def test_a_pipe_is_read_too(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("a\n1\n",))
    writer.start()
    source = Source(pipe, "csv")
    assert list(source.rows()) == [Parsed(2, {"a": "1"})]
    source.close()
    writer.join()


def test_a_file_in_utf_32_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(BOOK.encode("utf-32"))
    for encoding in ("utf-8", "utf-16"):
        with pytest.raises(FileError, match="UTF-32"):
            Source(path, "csv", encoding)
