"""One-time codes: made in chunks, stored hashed, seen in clear only in the file that is written."""

import csv
import os
from base64 import b32encode
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg

from lingdang.coupons.claiming import code_hash

CHUNK = 20_000
_RANDOM_BYTES = 10
"""80 bits: 16 characters of A-Z and 2-7. Even of a million, no two will ever be the same, and none is guessed."""


def make_codes(
    connection: psycopg.Connection[tuple[object, ...]],
    coupon_id: str,
    count: int,
    out: Path,
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Make `count` codes of a coupon and write them into the CSV file `out`, which must not exist yet.

    All of them are good together at the end: the codes' one transaction commits after the file is flushed to disk.
    `progress` is told how many were made since the last call. Raises FileExistsError, OSError and psycopg's errors.
    """
    with open(out, "x", newline="", encoding="ascii", opener=_private) as file:
        try:
            with connection.transaction():
                _write(connection, coupon_id, count, csv.writer(file, lineterminator="\n"), progress)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            out.unlink()
            raise


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _write(
    connection: psycopg.Connection[tuple[object, ...]],
    coupon_id: str,
    count: int,
    writer: "csv._writer",  # type: ignore[name-defined]
    progress: Callable[[int], None],
) -> None:
    writer.writerow(("code", "couponId"))
    with connection.cursor().copy("COPY coupon_code (code_hash, coupon_id) FROM STDIN (FORMAT binary)") as copy:
        copy.set_types(("bytea", "text"))
        for size in _chunks(count):
            codes = [b32encode(os.urandom(_RANDOM_BYTES)).decode() for _ in range(size)]
            for code in codes:
                copy.write_row((code_hash(code), coupon_id))
            writer.writerows((code, coupon_id) for code in codes)
            progress(size)


def _chunks(count: int) -> Iterator[int]:
    while count > 0:
        yield min(count, CHUNK)
        count -= CHUNK
