"""Attributes that the shop itself reads: each has a type, however it was written."""

import re

_TEXTS = frozenset(("authors", "categories"))
_NUMBERS = frozenset(("averageRating",))
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?\Z")


def typed(attributes: dict[str, str | int | float | bool]) -> dict[str, str | int | float | bool]:
    """`attributes` with a number for an author as text (`1984`), and with a rating in text as the number that it says.

    What says no number, and every other attribute, stays as it is.
    """
    if not attributes:
        return attributes
    return {name: _typed(name, value) for name, value in attributes.items()}


def _typed(name: str, value: str | int | float | bool) -> str | int | float | bool:
    if name in _TEXTS and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if name in _NUMBERS and isinstance(value, str):
        said = _NUMBER.match(value.strip())
        if said is not None:
            return float(value) if said[1] else int(value)
    return value
