"""The rows of a CSV or JSON Lines file, each with the physical line that it begins on."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

Format = Literal["csv", "jsonl"]

MAX_FIELD = 2**17
"""Characters of one CSV field. An unclosed quote costs at most this much of the file, not all that follows."""

MAX_LINE = 2**20
"""Characters of one line."""


class Parsed(NamedTuple):
    """One row: `row` when it could be read, else `reason`. `line` counts from 1."""

    line: int
    row: dict[str, Any] | None
    reason: str = ""


class FileError(ValueError):
    """The file as a whole cannot be imported. The message says why."""


class Source:
    """An open file of rows. `position` tells how many of its `size` bytes have been read."""

    def __init__(self, path: Path, kind: Format) -> None:
        self._raw = path.open("rb")
        # Bytes that are not UTF-8 become lone surrogates: they spoil their own row and no other.
        self._text = io.TextIOWrapper(self._raw, "utf-8-sig", errors="surrogateescape", newline="")
        self._kind = kind
        self.size = path.stat().st_size

    @property
    def position(self) -> int:
        return self._raw.tell()

    def rows(self) -> Iterator[Parsed]:
        """Every row. Raises FileError when a CSV file has no usable header."""
        return _csv_rows(self._text) if self._kind == "csv" else _json_rows(self._text)

    def close(self) -> None:
        self._text.close()


def format_of(path: Path) -> Format:
    """The format that the file's name tells. Raises FileError when it tells none."""
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return "csv"
    if suffix in (".jsonl", ".ndjson"):
        return "jsonl"
    raise FileError(f"{path.name}: neither .csv nor .jsonl; say which with --format")


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    """The file's lines, none longer than MAX_LINE + 1."""
    while line := text.readline(MAX_LINE + 1):
        yield line
        while len(line) > MAX_LINE and not line.endswith(("\n", "\r")):
            line = text.readline(MAX_LINE + 1)  # the rest of a line that is too long is passed over


def _csv_rows(text: io.TextIOWrapper) -> Iterator[Parsed]:
    csv.field_size_limit(MAX_FIELD)
    reader = csv.reader(_lines(text), strict=True)
    header = _header(reader)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Parsed(line, None, f"not readable as CSV: {error}")
            continue
        if cells:
            yield _csv_row(line, header, cells)


def _header(reader: Any) -> list[str]:
    try:
        header = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise FileError(f"the header is not readable as CSV: {error}") from None
    if not any(header):
        raise FileError("the first line must name the columns")
    twice = {name for name in header if name and header.count(name) > 1}
    if twice:
        raise FileError(f"the header names a column twice: {', '.join(sorted(twice))}")
    return header


def _csv_row(line: int, header: list[str], cells: list[str]) -> Parsed:
    if len(cells) != len(header):
        return Parsed(line, None, f"has {len(cells)} columns, the header has {len(header)}")
    if not _is_unicode("".join(cells)):
        return Parsed(line, None, "not valid UTF-8")
    return Parsed(line, dict(zip(header, cells, strict=True)))


def _json_rows(text: io.TextIOWrapper) -> Iterator[Parsed]:
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    for number, line in enumerate(_lines(text), start=1):
        if not line.strip():
            continue
        if len(line) > MAX_LINE:
            yield Parsed(number, None, f"longer than {MAX_LINE} characters")
        elif not _is_unicode(line):
            yield Parsed(number, None, "not valid UTF-8")
        else:
            try:
                yield Parsed(number, decode(line))
            except (msgspec.MsgspecError, RecursionError) as error:
                yield Parsed(number, None, f"not a JSON object: {error}")


def _is_unicode(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
