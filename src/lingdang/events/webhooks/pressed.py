"""Whether payments need the machine for themselves: how long they were settled while deliveries would take too much.

Deliveries give way by the sealer's rule (lingdang.journal.pace), but only then: where payments leave room for them they
arrive in time. What they would take is how many events come, by what one has cost so far.
"""

import os
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from lingdang.ledger.settled import ReadSettled

LOOK_SECONDS = 0.5
SHARE = 0.15
"""Deliveries that would take more of the machine's processors than this wait until payments are fewer."""
ENOUGH = 100
"""So many events between two looks tell what one costs, …"""
REMEMBERED = 20
"""… and of the last so many the cheapest one counts: what else the process did meanwhile is not theirs."""


class Seen(NamedTuple):
    """Seconds by the clock, and of CPU that this process has used; events read, and commands settled."""

    clock: float
    used: float
    told: int
    commands: int


class Pressed:
    """Answers for how many seconds payments were settled so far while deliveries would take too much.

    `settled` answers what was settled, `told` how many events this process has read for its endpoints.
    """

    def __init__(
        self,
        settled: ReadSettled,
        told: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
        used: Callable[[], float] = time.process_time,
    ) -> None:
        self._settled = settled
        self._told = told
        self._clock = clock
        self._used = used
        self._counted = settled().seconds
        self._before = self._see()
        self._costs: deque[float] = deque(maxlen=REMEMBERED)
        """Seconds of CPU for an event, as they were seen."""
        self._is_full = False
        self._seconds = 0.0

    def __call__(self) -> float:
        if self._clock() - self._before.clock >= LOOK_SECONDS:
            self._look()
        settled = self._settled().seconds
        if self._is_full:
            self._seconds += settled - self._counted
        self._counted = settled
        return self._seconds

    def _look(self) -> None:
        before, now = self._before, self._see()
        told = now.told - before.told
        if told >= ENOUGH:
            self._costs.append((now.used - before.used) / told)
        coming = (now.commands - before.commands) / (now.clock - before.clock)
        self._is_full = coming * min(self._costs, default=0.0) > SHARE * (os.cpu_count() or 1)
        self._before = now

    def _see(self) -> Seen:
        return Seen(self._clock(), self._used(), self._told(), self._settled().commands)
