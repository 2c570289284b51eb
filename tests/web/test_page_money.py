"""Real money on the pages: the digits of each currency as the shop reckons with them."""

import re

from lingdang.topup.money import digits
from lingdang.web.assets import STATIC

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CODES = re.compile(r"""\.\.\.\[((?:"[A-Z]{3}",?\s*)+)\]\.map\(\s*\(code\) => \[code, (\d)\]""")


def test_the_pages_know_the_digits_that_the_shop_knows() -> None:
    """A browser's own table differs from ISO 4217, by which providers and shop reckon."""
    found = {
        code: int(places)
        for codes, places in CODES.findall((STATIC / "ui" / "money.js").read_text(encoding="utf-8"))
        for code in re.findall(r"[A-Z]{3}", codes)
    }
    every = {f"{a}{b}{c}" for a in LETTERS for b in LETTERS for c in LETTERS}
    assert {"JPY", "KWD"} <= set(found)
    assert {code: digits(code) for code in every if digits(code) != 2} == found
