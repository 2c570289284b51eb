"""Work, counted in units: about one line looked at once, some 30 ns. What may take long yields after each slice.

Counted, not timed: the same order and vouchers give the same answer on every machine.
"""

from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")

Steps = Generator[None, None, T]
"""Work that yields after each slice, so that others come between, and returns its result at the end."""

SLICE = 60_000
"""Units between two yields, some 2 ms: twenty vouchers in a few groups on twenty lines are done by then."""

MAX_UNITS = 800_000
"""The most that one checkout spends on its vouchers, some 25 ms."""


class Work:
    """Units done for one order, of `limit`."""

    def __init__(self, limit: int = MAX_UNITS) -> None:
        self.done = 0
        self._limit = limit
        self._slice_ends = SLICE

    def affords(self, units: int) -> bool:
        """Whether so much is left to be done."""
        return self.done + units <= self._limit

    def reserve(self, units: int) -> None:
        """Keep so much for what must be done at the end: others cannot afford it."""
        self._limit -= units

    def spend_reserved(self, units: int) -> None:
        """As `spend`, from what was reserved."""
        self._limit += units
        self.spend(units)

    def spend(self, units: int) -> None:
        """Count what is being done."""
        self.done += units

    def slice_is_over(self) -> bool:
        """Whether it is time to yield; the next slice begins then."""
        if self.done < self._slice_ends:
            return False
        self._slice_ends = self.done + SLICE
        return True


def finish(steps: Steps[T]) -> T:
    """The result of steps that are taken all at once."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            result: T = stop.value
            return result
