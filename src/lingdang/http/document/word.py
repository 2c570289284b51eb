"""What a name on the wire means."""

from typing import Any, NamedTuple


class Word(NamedTuple):
    """A name's meaning, an example, and the format of JSON Schema where it has one."""

    meaning: str
    example: Any = None
    format: str | None = None


def moment(meaning: str, example: str) -> Word:
    """The meaning of a time."""
    return Word(meaning, example, "date-time")
