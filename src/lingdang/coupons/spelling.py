"""How codes are spelt, and how they are read when people type them.

Readers copy codes from messages and print, with spaces, line ends and invisible characters, in small letters or in full
width; all of that is put right before a code is looked at. One-time codes are made of characters that are not taken for
one another: of each group that looks alike there is one, and the others are read as it.
"""

import re
import unicodedata

MAX_LENGTH = 64
"""Of a code as it is compared."""

ALPHABET = "0123456789ACDEFGHJKMNPQRTVWXY"
"""What one-time codes are made of: digits, and the letters that are not taken for digits or for one another."""
CODE_LENGTH = 18
"""Characters of a one-time code: 87 random bits. None is guessed, and even of a million no two are the same."""

_ALIKE = str.maketrans({"O": "0", "I": "1", "L": "1", "Z": "2", "S": "5", "B": "8", "U": "V"})
_OLD_LENGTH = 16
_OLD_ALIKE = str.maketrans({"0": "O", "1": "I", "8": "B"})
"""Earlier one-time codes are 16 of A-Z and 2-7: of what looks alike, that is what cannot have been meant otherwise."""
_POSSIBLE = re.compile(rf"[!-~]{{1,{MAX_LENGTH}}}")


def normal_code(code: str) -> str:
    """A code as it is compared: no spaces, nothing invisible, half width, capital letters, plain dashes."""
    visible = [_plain(c) for c in unicodedata.normalize("NFKC", code) if not _is_blank(c)]
    return "".join(visible).upper()


def is_possible(normal: str) -> bool:
    """Whether there can be such a code at all."""
    return _POSSIBLE.fullmatch(normal) is not None


def one_time(normal: str) -> str:
    """The one-time code that is meant, whichever character of those that look alike was typed; dashes do not matter."""
    bare = normal.replace("-", "")
    if len(bare) == CODE_LENGTH:
        return bare.translate(_ALIKE)
    if len(bare) == _OLD_LENGTH:
        return bare.translate(_OLD_ALIKE)
    return normal


def written(code: str) -> str:
    """A one-time code as it is handed out: in three groups."""
    return f"{code[:6]}-{code[6:12]}-{code[12:]}"


def _is_blank(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) == "Cf"


def _plain(character: str) -> str:
    return "-" if character == "\u2212" or unicodedata.category(character) == "Pd" else character
