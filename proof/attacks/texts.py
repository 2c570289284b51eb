"""Alterations of any text, whatever it says."""

from collections.abc import Callable
from random import Random

from proof.attacks.target import Alter

_PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))
_SPACES = "\0 \t\r\n\x0b\x0c\x1f\x7f\x85\xa0\u200b\u2028\u2060\u3000\ufeff"
_ALIKE = {
    **dict(zip("ABCEHIJKMOPSTXYaceijopsxy", "АВСЕНІЈКМОРЅТХҮасеіјорѕху", strict=True)),
    **dict(zip("sKki.-_=1l0", "ſKĸı․‐＿＝１ⅼ０", strict=True)),
}
_FULL_WIDTH = 0xFEE0


def a_bit(rng: Random, text: str) -> str:
    """One bit of one character."""
    return _put(text, at := _place(rng, text), chr(ord(text[at]) ^ 1 << rng.randrange(8)))


def a_character(rng: Random, text: str) -> str:
    """One character for another."""
    return _put(text, _place(rng, text), rng.choice(_PRINTABLE))


def cut(rng: Random, text: str) -> str:
    """A piece is missing: at the end, at the beginning, or between."""
    start, end = sorted((rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)))
    return rng.choice((text[:start], text[end:], text[:start] + text[end:], text[:-1], text[1:], ""))


def inserted(rng: Random, text: str) -> str:
    """A character more."""
    at = _place(rng, text)
    return text[:at] + rng.choice(_PRINTABLE) + text[at:]


def spaced(rng: Random, text: str) -> str:
    """White space, a control character or one without width: before, after or within."""
    at = rng.choice((0, len(text), _place(rng, text)))
    return text[:at] + rng.choice(_SPACES) + text[at:]


def look_alike(rng: Random, text: str) -> str:
    """One character, or all of them, for those that look alike or fold to the same."""
    if rng.random() < 0.1:
        return "".join(chr(ord(c) + _FULL_WIDTH) if "!" <= c <= "~" else c for c in text)
    places = [at for at, c in enumerate(text) if c in _ALIKE]
    if not places:
        return text + "\u0301"
    return _put(text, at := rng.choice(places), _ALIKE[text[at]])


def other_case(rng: Random, text: str) -> str:
    """Upper for lower case and the reverse: one letter, or all of them."""
    at = _place(rng, text)
    return rng.choice((_put(text, at, text[at : at + 1].swapcase()), text.swapcase(), text.upper(), text.lower()))


def turned(rng: Random, text: str) -> str:
    """Two pieces in each other's place, or everything in reverse."""
    first, second = sorted((_place(rng, text), _place(rng, text)))
    swapped = text[:first] + text[second : second + 1] + text[first + 1 : second] + text[first : first + 1]
    return rng.choice((text[first:] + text[:first], swapped + text[second + 1 :], text[::-1]))


def doubled(rng: Random, text: str) -> str:
    """A piece, or all of it, twice."""
    start, end = sorted((_place(rng, text), len(text) if rng.random() < 0.3 else _place(rng, text)))
    return text[:end] + text[start:]


def wrapped(rng: Random, text: str) -> str:
    """In quotes, brackets or a list, or escaped in whole or in part."""
    at = _place(rng, text)
    escaped = (f"%{ord(text[at]) & 255:02x}", f"\\u{ord(text[at]):04x}", f"&#{ord(text[at])};") if text else ("%00",)
    around = (f'"{text}"', f"[{text}]", f"{text},{text}", f"Bearer {text}", f"{text};", f"{text}#", f"{text}?x=1")
    return rng.choice((*around, *(_put(text, at, one) for one in escaped)))


TEXTS = {
    "a bit turned over": a_bit,
    "a character for another": a_character,
    "a piece cut out": cut,
    "a character more": inserted,
    "white space, NUL, no width": spaced,
    "look-alikes": look_alike,
    "upper and lower case": other_case,
    "pieces turned round": turned,
    "a piece twice": doubled,
    "quoted or escaped": wrapped,
}
"""By name."""


def any_text(rng: Random, text: str) -> str:
    """One of these alterations, and something else for certain: two letters exchanged may be the same letter."""
    while (altered := rng.choice(_ALL)(rng, text or "a")) == text:
        pass
    return altered


def of_text() -> dict[str, Alter[str]]:
    """The same as alterations of samples that are texts."""
    return {name: _alone(alter) for name, alter in TEXTS.items()}


def _alone(alter: Callable[[Random, str], str]) -> Alter[str]:
    """As an alteration that makes nothing of the other samples."""
    return lambda rng, it, _all: alter(rng, it)


_ALL = tuple(TEXTS.values())


def _place(rng: Random, text: str) -> int:
    return rng.randrange(len(text)) if text else 0


def _put(text: str, at: int, character: str) -> str:
    return text[:at] + character + text[at + 1 :]
