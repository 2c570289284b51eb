"""Whole numbers as people write them: read digit by digit, never through a float.

`2.500` is two and a half to one reader and two thousand five hundred to another, so nothing but digits is taken unless
whoever imports says what the other signs mean.
"""

import re
from typing import Any, NamedTuple

from lingdang.catalog.text import plain
from lingdang.errors import shown

_MOST = 30
_DIGITS = re.compile(rf"-?[0-9]{{1,{_MOST}}}\Z")


class Notation(NamedTuple):
    """The signs that a number may have beside its digits; none of either when empty."""

    thousands: str = ""
    decimal: str = ""


DIGITS_ALONE = Notation()


def whole(value: Any, notation: Notation = DIGITS_ALONE) -> int:
    """The number that a cell (text) or a JSON value says. Full-width digits count.

    Raises ValueError for anything but a whole number in this notation: a float too, whatever its value.
    """
    if type(value) is int:
        return value
    if isinstance(value, str):
        if value.isascii() and value.isdigit() and len(value) <= _MOST:
            return int(value)
        text = _bare(plain(value), notation)
        if _DIGITS.match(text):
            return int(text)
    raise ValueError(f"Expected a whole number in digits alone, got {shown(value)}")


def _bare(text: str, notation: Notation) -> str:
    """The digits without the notation's signs; what is not written in it stays as it is, and so is none."""
    thousands, decimal = notation
    if decimal:
        text, _, fraction = text.partition(decimal)
        if fraction.strip("0"):
            return f"{text}{decimal}{fraction}"
    if thousands and re.match(rf"-?[0-9]{{1,3}}(?:{re.escape(thousands)}[0-9]{{3}})+\Z", text):
        text = text.replace(thousands, "")
    return text
