"""Text as it comes from files and forms: edges are trimmed of what does not show, and what shows nothing is blank."""

import unicodedata

_SPACES = "".join(chr(code) for code in range(0x3001) if chr(code).isspace())
# Zero-width spaces and joiners, the soft hyphen, byte order marks, marks and overrides of direction.
_UNSEEN_EDGES = "\u00ad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u202a\u202b\u202c\u202d\u202e"
_EDGES = _SPACES + _UNSEEN_EDGES + "\u2066\u2067\u2068\u2069"

_NARROW = {0xFF01 + n: 0x21 + n for n in range(94)} | dict.fromkeys((0xA0, 0x2007, 0x2009, 0x202F, 0x3000), 0x20)

_SHOWS_NOTHING = frozenset(("Cc", "Cf", "Zs", "Zl", "Zp"))
# What Unicode counts as a letter, a mark or a symbol, and yet shows nothing: fillers, joiners, variation selectors.
_FILLERS = frozenset(
    (
        *(0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0),
        *(*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)),
    )
)


def trimmed(text: str) -> str:
    """`text` without white space (of any script) and zero-width characters at its edges."""
    return text.strip() if text.isascii() else text.strip(_EDGES)


def is_blank(text: str) -> bool:
    """Whether nothing of `text` would show."""
    if text.isascii():
        return not text.strip()
    return all(unicodedata.category(char) in _SHOWS_NOTHING or ord(char) in _FILLERS for char in text)


def plain(text: str) -> str:
    """`text` as a machine writes it: trimmed, with full-width letters, digits, signs and spaces as ASCII has them.

    No more than width is changed: to Unicode's compatibility forms 10² would be 102.
    """
    return text.strip() if text.isascii() else trimmed(text).translate(_NARROW)
