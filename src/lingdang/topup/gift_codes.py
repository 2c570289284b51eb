"""Gift codes of bells: made by the million, stored hashed, seen in clear only where they are handed out.

A code is 17 random characters and a check character: one wrong character, or two that changed places, is a typing error
and no guess. Characters that look alike are read as the same one (lingdang.coupons.spelling).
"""

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import msgspec
import psycopg

from lingdang.coupons.claiming import code_hash
from lingdang.coupons.spelling import ALPHABET, CODE_LENGTH, normal_code, one_time, written
from lingdang.db.pool import Connection

CHUNK = 20_000
_VALUE = {character: value for value, character in enumerate(ALPHABET)}
_TABLE = (ALPHABET * (256 // len(ALPHABET))).ljust(256).encode()
_SPARE = bytes(range(256 - 256 % len(ALPHABET), 256))
"""Bytes that stand for no character, so that all of them are as likely."""

_COPY = "COPY gift_code (code_hash, campaign, currency, amount, expires_at) FROM STDIN"
_ADD = """
INSERT INTO gift_code (code_hash, campaign, currency, amount, expires_at)
SELECT h, %b, %b, %b, %b FROM unnest(%b::bytea[]) h
"""


class Gift(msgspec.Struct, frozen=True, kw_only=True):
    """What each code of a campaign is worth, in bonus bells. At `expires_at` it ends, and what is left lapses."""

    campaign: str
    currency: str
    amount: int
    expires_at: datetime | None = None


def check_character(body: str) -> str:
    """The last character of a code, by its first ones. There are 29 characters, a prime, so each weight tells."""
    return ALPHABET[sum(weight * _VALUE[each] for weight, each in enumerate(body, 1)) % len(ALPHABET)]


def read_code(text: str) -> str | None:
    """The code that is meant, however it was typed; None where a character is wrong or missing."""
    code = one_time(normal_code(text))
    if len(code) != CODE_LENGTH or not set(code) <= _VALUE.keys():
        return None
    return code if check_character(code[:-1]) == code[-1] else None


def new_codes(count: int) -> list[str]:
    """So many new codes."""
    length = CODE_LENGTH - 1
    characters = _characters(count * length)
    bodies = [characters[start : start + length] for start in range(0, len(characters), length)]
    return [body + check_character(body) for body in bodies]


async def add_codes(connection: Connection, gift: Gift, count: int) -> list[str]:
    """So many new codes, as they are handed out; they are good once the transaction commits."""
    codes = new_codes(count)
    hashes = [code_hash(code) for code in codes]
    await connection.execute(_ADD, (gift.campaign, gift.currency, gift.amount, gift.expires_at, hashes))
    return [written(code) for code in codes]


def write_codes(
    connection: "psycopg.Connection[Any]", gift: Gift, count: int, out: Path, progress: Callable[[int], None]
) -> None:
    """Make codes and write them into the CSV file `out`, which must not exist yet: all of them, or none.

    `progress` is told how many were made since the last call. Raises FileExistsError, OSError and psycopg's errors.
    """
    with open(out, "x", newline="", encoding="ascii", opener=_private) as file:
        try:
            with connection.transaction():
                _write(connection, gift, count, file, progress)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            out.unlink()
            raise


def _write(
    connection: "psycopg.Connection[Any]", gift: Gift, count: int, file: TextIO, progress: Callable[[int], None]
) -> None:
    file.write("code,campaign,amount\n")
    with connection.cursor().copy(_COPY) as copy:
        for size in _chunks(count):
            for code in new_codes(size):
                copy.write_row((code_hash(code), gift.campaign, gift.currency, gift.amount, gift.expires_at))
                file.write(f"{written(code)},{gift.campaign},{gift.amount}\n")
            progress(size)


def _chunks(count: int) -> Iterator[int]:
    while count > 0:
        yield min(count, CHUNK)
        count -= CHUNK


def _characters(count: int) -> str:
    made = b""
    while len(made) < count:
        made += os.urandom(count).translate(_TABLE, _SPARE)
    return made[:count].decode()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
