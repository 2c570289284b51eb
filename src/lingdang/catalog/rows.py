"""The rows of a CSV or JSON Lines file, each with the physical line that it begins on."""

import csv
import io
import shutil
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple, cast

import msgspec

from lingdang.catalog.encodings import Encoding, EncodingError, codec_for
from lingdang.catalog.quotes import opening_line
from lingdang.catalog.text import plain, trimmed

Format = Literal["csv", "jsonl"]

MAX_FIELD = 2**17
"""Characters of one CSV field. An unclosed quote is looked for an end no farther than this."""

MAX_LINE = 2**20
"""Characters of one line."""

MAX_ROW = 2**18
"""Characters of one CSV row of several lines, counted when a line ends."""

_READ_AGAIN = 1000
"""So many broken rows of a file are read again behind the line where they broke; further ones are passed over."""

_DELIMITERS = ",;\t|，；｜"


class Parsed(NamedTuple):
    """One row: `row` when it could be read, else `reason`. `line` counts from 1."""

    line: int
    row: dict[str, Any] | None
    reason: str = ""


class FileError(ValueError):
    """The file as a whole cannot be imported. The message says why."""


class _EndlessError(Exception):
    """A row of several lines has more than MAX_ROW characters."""


class Source:
    """An open file of rows. `position` tells how many of its `size` bytes have been read.

    Raises FileError when the file is in another encoding than was said.
    """

    def __init__(self, path: Path, kind: Format, encoding: Encoding = "utf-8") -> None:
        self._raw = _seekable(path)
        self._kind = kind
        try:
            codec = codec_for(self._raw, encoding)
        except EncodingError as error:
            self._raw.close()
            raise FileError(str(error)) from None
        self.size = self._raw.seek(0, io.SEEK_END)
        self._raw.seek(0)
        # Single lines that are not UTF-8 become lone surrogates: they spoil their own row and no other.
        errors = "surrogateescape" if codec == "utf-8-sig" else "strict"
        text = io.TextIOWrapper(self._raw, codec, errors=errors, newline="")
        self._lines = _Lines(text)
        self._header: _Header | None = None

    @property
    def position(self) -> int:
        return self._raw.tell()

    @property
    def columns(self) -> Sequence[str] | None:
        """The names of a CSV file's columns; None for JSON Lines. Raises FileError when there is no usable header."""
        if self._kind == "jsonl":
            return None
        if self._header is None:
            self._header = _read_header(self._lines)
        return self._header.names

    def rows(self) -> Iterator[Parsed]:
        """Every row; blank ones are passed over. Raises FileError when a CSV file has no usable header."""
        if self.columns is None or self._header is None:
            return _json_rows(self._lines)
        return _csv_rows(self._lines, self._header)

    def close(self) -> None:
        self._lines.close()


def format_of(path: Path) -> Format:
    """The format that the file's name tells. Raises FileError when it tells none."""
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return "csv"
    if suffix in (".jsonl", ".ndjson"):
        return "jsonl"
    raise FileError("its name ends neither in .csv nor in .jsonl; say which it is with --format")


def _seekable(path: Path) -> BinaryIO:
    """The file; what comes through a pipe, copied to a file of its own."""
    if path.is_file():
        return path.open("rb")
    copy = tempfile.TemporaryFile()  # noqa: SIM115 - the Source closes it
    with path.open("rb") as pipe:
        shutil.copyfileobj(pipe, copy)
    copy.seek(0)
    return cast(BinaryIO, copy)


class _Lines:
    """The file's lines, none longer than MAX_LINE + 1, of which those of the current row can be read again.

    `number` is that of the line given last, from 1.
    """

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._again: deque[str] = deque()
        self._row: list[str] = []
        self._characters = 0
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._characters > MAX_ROW and len(self._row) > 1:
            raise _EndlessError
        line = self._again.popleft() if self._again else self._read()
        if not line:
            raise StopIteration
        self.number += 1
        self._row.append(line)
        self._characters += len(line)
        return line

    def begin_row(self) -> None:
        self._row.clear()
        self._characters = 0

    @property
    def row(self) -> str:
        """The current row's lines as they stand."""
        return "".join(self._row)

    def back_to(self, line: int) -> None:
        """Give the lines of the current row behind `line` again."""
        kept = len(self._row) - (self.number - line)
        self._again.extendleft(reversed(self._row[kept:]))
        self.number = line

    def close(self) -> None:
        self._text.close()

    def _read(self) -> str:
        line = self._text.readline(MAX_LINE + 1)
        rest = line
        while len(rest) > MAX_LINE and not rest.endswith(("\n", "\r")):
            rest = self._text.readline(MAX_LINE + 1)  # the rest of a line that is too long is passed over
        return line


class _Header(NamedTuple):
    """The columns' names, by place; a column without one is called by its place. What separates the cells."""

    names: list[str]
    delimiter: str


def _read_header(lines: _Lines) -> _Header:
    csv.field_size_limit(MAX_FIELD)
    first = _first_written_line(lines)
    delimiter = _delimiter_of(first)
    if first.rstrip("\r\n").lower() != f"sep={delimiter}":  # that line is a spreadsheet's own
        lines.back_to(lines.number - 1)
    try:
        cells = next(csv.reader(lines, delimiter=delimiter, strict=True), [])
    except (csv.Error, _EndlessError) as error:
        raise FileError(f"the header is not readable as CSV: {error}") from None
    names = [plain(name) for name in cells]
    if not any(names):
        raise FileError("the first line must name the columns")
    if not _is_unicode("".join(names)):
        raise FileError("not UTF-8: the first line names the columns, and has bytes that are none")
    twice = {name for name in names if name and names.count(name) > 1}
    if twice:
        raise FileError(f"the header names a column twice: {', '.join(sorted(twice))}")
    return _Header([name or f"column {place}" for place, name in enumerate(names, start=1)], delimiter)


def _first_written_line(lines: _Lines) -> str:
    """The first line in which more than separators stands, as the current row."""
    while True:
        lines.begin_row()
        line = next(lines, "")
        if not line or (line.strip(_DELIMITERS + '\r\n"') and trimmed(line)):
            return line


def _delimiter_of(line: str) -> str:
    """The comma; where the header has none, what else it has between its names."""
    bare = "".join(line.split('"')[::2])
    found = [sign for sign in _DELIMITERS if sign in bare]
    return found[0] if found else ","


def _csv_rows(lines: _Lines, header: _Header) -> Iterator[Parsed]:
    reader = csv.reader(lines, delimiter=header.delimiter, strict=True)
    read_again = 0
    while True:
        lines.begin_row()
        line = lines.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, _EndlessError) as error:
            read_again += 1
            yield _broken(lines, line, header.delimiter, error, again=read_again <= _READ_AGAIN)
            continue
        if any(map(trimmed, cells)):
            yield _csv_row(line, lines.number, header.names, cells)


def _broken(lines: _Lines, line: int, delimiter: str, error: Exception, *, again: bool) -> Parsed:
    """A row that is no CSV: its lines behind the quote that broke it are read as rows of their own."""
    opened, last = opening_line(lines.row, delimiter), lines.number
    if opened is None:
        return Parsed(line, None, f"not readable as CSV: {error}{_until(line, last)}")
    quoted = line + opened
    reason = f"a quoted field that begins on line {quoted} is not closed"
    if again:
        lines.back_to(quoted)
        last = quoted
    return Parsed(line, None, reason if last == line else f"{reason}; lines {line} to {last} are passed over")


def _csv_row(line: int, last: int, names: list[str], cells: list[str]) -> Parsed:
    """A row that is shorter than the header ends early; a longer one is a row if nothing stands beyond the header."""
    if any(map(trimmed, cells[len(names) :])):
        return Parsed(line, None, f"has {len(cells)} columns, the header has {len(names)}{_until(line, last)}")
    if not _is_unicode("".join(cells)):
        return Parsed(line, None, "not UTF-8")
    return Parsed(line, dict(zip(names, cells, strict=False)))


def _until(line: int, last: int) -> str:
    """Where a row of several lines ends: a quote may have swallowed rows."""
    return f"; the row goes on to line {last}" if last > line else ""


def _json_rows(lines: _Lines) -> Iterator[Parsed]:
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    for line in lines:
        lines.begin_row()
        if not trimmed(line):
            continue
        if len(line) > MAX_LINE:
            yield Parsed(lines.number, None, f"longer than {MAX_LINE} characters")
        elif not _is_unicode(line):
            yield Parsed(lines.number, None, "not UTF-8")
        else:
            try:
                yield Parsed(lines.number, decode(line.lstrip("\ufeff")))
            except (msgspec.MsgspecError, RecursionError) as error:
                yield Parsed(lines.number, None, f"not a JSON object: {error}")


def _is_unicode(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
