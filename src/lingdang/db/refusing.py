"""How long those are sent away for whom there is no room: longer, the more there are.

To refuse costs half of what it takes to pay. Thousands that are refused once a second, each, would take the time of
those who are served.
"""

import time
from collections.abc import Callable

EACH = 1000
"""Refusals a second for which everybody is sent away for another second."""


class Refusing:
    """The refusals of one queue. `clock` is in seconds and monotonic."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._count = 0
        self._before = 0
        """How many the second before this one had."""

    def seconds(self) -> int:
        """Refuse one more: for how long, at least 1."""
        passed = self._clock() - self._began
        if passed >= 1.0:
            self._before = self._count if passed < 2.0 else 0
            self._count = 0
            self._began += passed
        self._count += 1
        return 1 + max(self._before, self._count) // EACH
