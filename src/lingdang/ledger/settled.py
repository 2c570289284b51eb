"""How much was settled so far: what those who give way to payments go by."""

from collections.abc import Callable
from typing import NamedTuple


class Settled(NamedTuple):
    """For how many seconds batches ran, and how many commands were in them."""

    seconds: float
    commands: int


ReadSettled = Callable[[], Settled]
"""Answers how much was settled so far; it never falls."""


def nothing() -> Settled:
    """Of whoever has nobody to give way to."""
    return Settled(0.0, 0)
