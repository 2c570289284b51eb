"""Catalogue files up to the moment at which their rows would be written."""

import csv
import io
import json
import os
from contextlib import closing
from pathlib import Path

from lingdang.catalog.importing import Rejected, Values, read_chunks
from lingdang.catalog.mapping import ColumnMapping, Shape
from lingdang.catalog.rows import FileError, Format, Source
from lingdang.demo.books import book
from proof.fuzz.parser import GOOD, Parser, Reader, WrongError

_ROWS: tuple[dict[str, object], ...] = (
    {
        "productId": "p-1",
        "title": "三体",
        "currency": "GEM",
        "price": 80,
        "listPrice": 100,
        "publisher": "重庆出版社",
        "intro": 'one "line"\ntwo, lines',
        "coverUrl": "https://x.example/c.png",
        "attributes.authors": "刘慈欣",
        "attributes.year": 2008,
        "onSaleFrom": "2026-01-01T00:00:00Z",
        "onSaleUntil": "2027-01-01T08:00:00+08:00",
        "status": "withdrawn",
        "popularity": 7,
    },
    {"productId": "p-2", "title": "Plain", "price": 5, "attributes": {"new": True, "weight": 1.5}},
    {
        "book_id": "17",
        "title": "By another name",
        "cost": "12",
        "authors": "A. Body",
        "image_url": "http://x.example/1",
    },
)

_SHAPES: tuple[Shape, ...] = (
    ColumnMapping({}, {}),
    ColumnMapping({"productId": "book-{book_id}", "price": "cost"}, {"publisher": "Penguin"}),
    book,
)


def catalogue_parsers(folder: Path) -> list[Parser]:
    """One for each format; `folder` is for the file that is read."""
    tables = [_as_csv([row]) for row in _ROWS]
    lines = [*(_as_lines([row]) for row in _ROWS), _as_lines(list(_ROWS))]
    return [
        Parser("catalogue-csv", _in_every_shape(tables), _reader(folder, "csv")),
        Parser("catalogue-jsonl", _in_every_shape(lines), _reader(folder, "jsonl")),
    ]


def _in_every_shape(files: list[bytes]) -> list[bytes]:
    """A file's length says in which shape it is read: each one with up to two empty lines more."""
    return [file + b"\n" * more for file in files for more in range(len(_SHAPES))]


def _as_csv(rows: list[dict[str, object]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _as_lines(rows: list[dict[str, object]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _reader(folder: Path, kind: Format) -> Reader:
    """A file in one of three shapes, as its length says: by its columns' names, with a mapping, as the known preset."""
    path = folder / f"file.{kind}"
    file = path.open("wb", buffering=0)

    def read(data: bytes) -> str:
        os.pwrite(file.fileno(), data, 0)
        file.truncate(len(data))
        rows = _rows(path, kind, _SHAPES[len(data) % len(_SHAPES)])
        for row in rows:
            _assert_storable(row)
        return GOOD if rows else "rejected"

    return read


def _rows(path: Path, kind: Format, shape: Shape) -> list[Values]:
    """The rows that would be written; every other one has its line and its reason."""
    try:
        with closing(Source(path, kind)) as source:
            chunks = list(read_chunks(source.rows(), shape))
    except FileError:
        return []
    rejected: list[Rejected] = [each for chunk in chunks for each in chunk.rejected]
    rows = [row.new for chunk in chunks for row in chunk.rows if row.new is not None]
    if not all(r.line > 0 and r.reason for r in rejected):
        raise WrongError(f"rejected without a line or a reason: {rejected}")
    return rows


def _assert_storable(row: Values) -> None:
    """PostgreSQL's text has no NUL and is UTF-8, its bigint has 63 bits."""
    for value in row:
        if isinstance(value, str) and ("\0" in value or value != value.encode("utf-8", "replace").decode()):
            raise WrongError(f"a text that cannot be stored: {value!r}")
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise WrongError(f"a number that cannot be stored: {value}")
