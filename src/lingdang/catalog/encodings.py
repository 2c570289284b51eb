"""Which encoding bytes are in, as far as they can tell: a file that is not UTF-8 is told so, or read."""

import codecs
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Literal, NamedTuple

Encoding = Literal["utf-8", "gb18030", "utf-16", "big5", "shift_jis", "euc-jp", "euc-kr", "windows-1252"]

# Spreadsheets write what Windows calls by these names: Ⅲ and ① are in its Shift JIS, 碁 and 裏 in its Big5.
_CODECS = {"big5": "cp950", "shift_jis": "cp932", "euc-kr": "cp949"}

_HEAD = 2**16
_BLOCK = 2**20
_LOOKED_AT = 1000
"""Lines that are not UTF-8 are judged by the first so many."""
_SAMPLE = 20
"""Characters of the first line that is not UTF-8, from which a reader tells whether the guess is right."""
_NONE_OF_THEM = "neither UTF-8 nor UTF-16, GB18030 or Windows-1252: save it as UTF-8"
_FEW = 3
"""Fewer lines that are not UTF-8 spoil themselves and not the file."""
_MARKS_32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_MARKS_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class EncodingError(ValueError):
    """The bytes are not in the encoding that they should be in. The message says what they look like, and where."""


class _Lines(NamedTuple):
    """What reading each line by itself as some encoding came to. `good` are those with more than ASCII in them."""

    good: int
    bad: int
    first_bad: int
    some_bad: list[bytes]


def codec_for(file: BinaryIO, encoding: Encoding) -> str:
    """The codec to read `file` with, from its beginning, after a look at all of it.

    As UTF-8, single lines that are none are left to their reader; in any other encoding the whole file must be good.
    Raises EncodingError.
    """
    head = file.read(_HEAD)
    if head.startswith(_MARKS_32):
        raise EncodingError("UTF-32: save it as UTF-8")
    if encoding == "utf-8":
        if _looks_utf16(head):
            raise EncodingError("not UTF-8: it looks like UTF-16, so say --encoding utf-16")
        if not _is_throughout(file, "utf-8"):
            _refuse_another_encoding(_read_as(_from_start(file), "utf-8"))
        return "utf-8-sig"
    if head.startswith(codecs.BOM_UTF8):
        raise EncodingError("begins with the byte order mark of UTF-8: leave --encoding out")
    codec = _order_of(head) if encoding == "utf-16" else _CODECS.get(encoding, encoding)
    if not _is_throughout(file, codec):
        line = "" if encoding == "utf-16" else f" (line {_read_as(_from_start(file), codec).first_bad})"
        raise EncodingError(f"not {encoding.upper()}{line}")
    return codec


def decoded(data: bytes) -> str:
    """The text of a whole file without byte order marks: UTF-8, else UTF-16, UTF-32, GB18030 or Windows-1252.

    Raises EncodingError when it is none of them, or would make no sense.
    """
    return _as_it_looks(data).lstrip("\ufeff")


def _as_it_looks(data: bytes) -> str:
    if data.startswith(_MARKS_32):
        return _decoded(data, "utf-32")
    if _looks_utf16(data[:_HEAD]):
        return _decoded(data, _order_of(data[:_HEAD]))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        lines = _read_as(data.splitlines(keepends=True), "utf-8")
    if lines.good > lines.bad:
        return data.decode("utf-8-sig", "replace")  # a broken character is worth less than all the others
    if _look_gb18030(lines.some_bad):
        return _decoded(data, "gb18030")
    if _are_mostly_latin(lines.some_bad):
        return _decoded(data, "cp1252")
    raise EncodingError(_NONE_OF_THEM)


def _decoded(data: bytes, codec: str) -> str:
    try:
        return data.decode(codec)
    except UnicodeDecodeError:
        raise EncodingError(_NONE_OF_THEM) from None


def _refuse_another_encoding(lines: _Lines) -> None:
    if lines.bad > lines.good and _look_gb18030(lines.some_bad):
        sample = _first_written(lines.some_bad[0].decode("gb18030", "replace"))
        raise EncodingError(
            f"not UTF-8 (line {lines.first_bad}): it looks like GB18030, so say --encoding gb18030 "
            f"if that line rightly has “{sample}”, else its own encoding"
        )
    if lines.bad > lines.good and lines.bad >= _FEW:
        raise EncodingError(f"not UTF-8 (line {lines.first_bad}): save it as UTF-8, or say --encoding")


def _first_written(line: str) -> str:
    """Where it begins to be more than ASCII."""
    start = next(place for place, char in enumerate(line) if not char.isascii())
    return line[start : start + _SAMPLE].rstrip()


def _from_start(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    return iter(lambda: file.readline(_BLOCK), b"")


def _is_throughout(file: BinaryIO, codec: str) -> bool:
    file.seek(0)
    decoder = codecs.getincrementaldecoder(codec)()
    try:
        while block := file.read(_BLOCK):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _read_as(lines: Iterable[bytes], codec: str) -> _Lines:
    good = bad = first_bad = 0
    some_bad: list[bytes] = []
    for number, line in enumerate(lines, start=1):
        if line.isascii():
            continue
        try:
            line.decode(codec)
            good += 1
        except UnicodeDecodeError:
            first_bad = first_bad or number
            bad += 1
            if len(some_bad) < _LOOKED_AT:
                some_bad.append(line)
    return _Lines(good, bad, first_bad, some_bad)


def _looks_utf16(head: bytes) -> bool:
    """By its mark, or by its zero bytes, of which text in other encodings has none, or a stray one in much ASCII."""
    if head.startswith(_MARKS_16) or head.count(0) * 5 > len(head):
        return True
    return 0 in head and not _begins_as(head, "utf-8") and _begins_as(head, _order_of(head))


def _begins_as(head: bytes, codec: str) -> bool:
    try:
        codecs.getincrementaldecoder(codec)().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _order_of(head: bytes) -> str:
    """UTF-16 by its mark, else in the order in which the zero bytes of its ASCII stand."""
    if head.startswith(_MARKS_16):
        return "utf-16"
    return "utf-16-le" if head[1::2].count(0) >= head[::2].count(0) else "utf-16-be"


def _look_gb18030(lines: Iterable[bytes]) -> bool:
    """Whether they are GB18030, and mostly what people write in it (the characters of GB 2312).

    Bytes of other encodings may be pairs of GB18030 too, but seldom of these.
    """
    try:
        text = b"".join(lines).decode("gb18030")
    except UnicodeDecodeError:
        return False
    written = "".join(char for char in text if not char.isascii())
    usual = written.encode("gb2312", "ignore").decode("gb2312")
    kana = sum("\u3041" <= char <= "\u30fa" for char in written)  # of which EUC-JP has the same bytes
    return len(usual) * 10 >= len(written) * 7 > 0 and kana * 3 <= len(written)


def _are_mostly_latin(lines: Iterable[bytes]) -> bool:
    """Whether at least half of the letters are ASCII's, as in no Big5, Shift JIS or Cyrillic text."""
    text = b"".join(lines)
    beyond = sum(byte > 0x7F for byte in text)
    return beyond <= sum(byte < 0x80 and chr(byte).isalpha() for byte in text)
