"""Names that people write: categories and publishers, compared as readers see them.

Width, case and spaces make no difference, and a list in one text is separated as Chinese, Japanese or English has it.
"""

import re
from collections.abc import Collection
from functools import lru_cache
from typing import Any
from unicodedata import category, normalize

import msgspec

_BETWEEN = re.compile(r"[,、;|\n\r\t\v\f\x85\u2028\u2029،؛]")
"""Separators, after NFKC: the full-width forms of the first ones are the same then."""
_SPACES = re.compile(r"\s+")


@lru_cache(maxsize=16_384)
def label(text: str) -> str:
    """A name as it is compared."""
    visible = "".join([c for c in normalize("NFKC", text) if category(c) != "Cf"])
    return _SPACES.sub(" ", normalize("NFKC", visible.casefold())).strip()


@lru_cache(maxsize=512)
def labels(names: Collection[str]) -> frozenset[str]:
    """Names as they are compared; each may be a list in one text. `names` is hashable: a tuple or a frozenset."""
    parts = [part for name in names for part in _BETWEEN.split(normalize("NFKC", name))]
    return frozenset([found for part in parts if (found := label(part))])


@lru_cache(maxsize=4096)
def categories(attribute: str) -> tuple[str, ...]:
    """The categories in an attribute: text, or JSON's text of a list or a number.

    What stands on both sides of a slash is a category, and so is all of it: shops write `小说/科幻` for two, and
    `Sci-Fi/Fantasy` for one.
    """
    found = [part for text in _texts(attribute) for part in _BETWEEN.split(normalize("NFKC", text))]
    return tuple(dict.fromkeys([name.strip() for part in found for name in (part, *part.split("/")) if name.strip()]))


def _texts(attribute: str) -> list[str]:
    if attribute.startswith("["):
        try:
            listed = msgspec.json.decode(attribute, type=list[Any])
        except msgspec.MsgspecError:
            return [attribute]
        return [str(item) for item in listed if isinstance(item, str | int | float)]
    return [attribute]
