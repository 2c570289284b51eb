"""One-time codes: made in chunks, stored hashed, seen in clear only in the file that is written."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TextIO

import psycopg

from lingdang.coupons.claiming import code_hash
from lingdang.coupons.spelling import ALPHABET, CODE_LENGTH, written

CHUNK = 20_000
_TABLE = (ALPHABET * (256 // len(ALPHABET))).ljust(256).encode()
"""What each byte stands for: every character for as many of them, so that all are as likely."""
_SPARE = bytes(range(256 - 256 % len(ALPHABET), 256))
"""Bytes that stand for none."""

_HOLD = "SELECT FROM coupon WHERE coupon_id = %s FOR KEY SHARE"


class NoCouponError(Exception):
    """There is no such coupon. The message names it."""


def make_codes(
    connection: psycopg.Connection[tuple[object, ...]],
    coupon_id: str,
    count: int,
    out: Path,
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Make `count` codes of a coupon and write them into the CSV file `out`, which must not exist yet.

    All of them are good together at the end: the codes' one transaction commits after the file is flushed to disk.
    `progress` is told how many were made since the last call. Raises NoCouponError, FileExistsError, OSError and
    psycopg's errors.
    """
    with open(out, "x", newline="", encoding="ascii", opener=_private) as file:
        try:
            with connection.transaction():
                _hold(connection, coupon_id)
                _write(connection, coupon_id, count, file, progress)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            out.unlink()
            raise


def _hold(connection: psycopg.Connection[tuple[object, ...]], coupon_id: str) -> None:
    """See once that the coupon is there, for all of its codes, and keep it there for the transaction."""
    if connection.execute(_HOLD, (coupon_id,)).rowcount == 0:
        raise NoCouponError(f"there is no coupon {coupon_id}")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _write(
    connection: psycopg.Connection[tuple[object, ...]],
    coupon_id: str,
    count: int,
    file: TextIO,
    progress: Callable[[int], None],
) -> None:
    # A coupon's id is plain text that neither CSV nor COPY has to escape.
    file.write("code,couponId\n")
    with connection.cursor().copy("COPY coupon_code (code_hash, coupon_id) FROM STDIN") as copy:
        for made in _made(coupon_id, count):
            copy.write(made.rows)
            file.write(made.lines)
            progress(made.size)


class _Made(NamedTuple):
    """A chunk of codes: `rows` for COPY, hashed, and `lines` for the file."""

    size: int
    rows: str
    lines: str


def _made(coupon_id: str, count: int) -> Iterator[_Made]:
    """So many codes, chunk by chunk: while the database takes one, a thread makes the next."""
    with ThreadPoolExecutor(1) as beside:
        coming: Future[_Made] | None = None
        for size in _chunks(count):
            made, coming = coming, beside.submit(_make, coupon_id, size)
            if made is not None:
                yield made.result()
        if coming is not None:
            yield coming.result()


def _make(coupon_id: str, size: int) -> _Made:
    codes, end = _codes(size), f",{coupon_id}\n"
    rows = "".join([f"\\\\x{code_hash(code).hex()}\t{coupon_id}\n" for code in codes])
    return _Made(size, rows, "".join([written(code) + end for code in codes]))


def _codes(count: int) -> list[str]:
    characters = _characters(count * CODE_LENGTH)
    return [characters[start : start + CODE_LENGTH] for start in range(0, len(characters), CODE_LENGTH)]


def _characters(count: int) -> str:
    made = b""
    while len(made) < count:
        made += os.urandom(count).translate(_TABLE, _SPARE)
    return made[:count].decode()


def _chunks(count: int) -> Iterator[int]:
    while count > 0:
        yield min(count, CHUNK)
        count -= CHUNK
