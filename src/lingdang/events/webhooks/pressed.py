"""Whether payments need the machine for themselves: how long a worker has settled while there was nothing to spare.

Deliveries give way by the sealer's rule (lingdang.journal.pace), but only then: they take more of the machine than
sealing does where it is idle, and arrive in time for it.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

import psutil

LOOK_SECONDS = 0.5
SPARE = 0.1
"""A machine whose processors rest for less of their time has nothing to spare, …"""
BUSY = 0.9
"""… nor has a process that uses more of a core: its event loop has none."""


class Used(NamedTuple):
    """Seconds so far: by the clock, of all processors together and at rest, and those that this process used."""

    clock: float
    processors: float
    resting: float
    own: float


def used() -> Used:
    """As the system counts them."""
    times = psutil.cpu_times()
    resting = times.idle + getattr(times, "iowait", 0.0)
    return Used(time.monotonic(), sum(times), resting, time.process_time())


class Pressed:
    """Answers for how many seconds the process has settled so far while there was nothing to spare; `settled` answers
    for how many it has settled."""

    def __init__(self, settled: Callable[[], float], look: Callable[[], Used] = used) -> None:
        self._settled = settled
        self._look = look
        self._before = look()
        self._counted = settled()
        self._is_full = False
        self._seconds = 0.0

    def __call__(self) -> float:
        now = self._look()
        if now.clock - self._before.clock >= LOOK_SECONDS:
            self._is_full = _is_full(self._before, now)
            self._before = now
        settled = self._settled()
        if self._is_full:
            self._seconds += settled - self._counted
        self._counted = settled
        return self._seconds


def _is_full(before: Used, now: Used) -> bool:
    """Whether there was nothing to spare between two looks."""
    rested = now.resting - before.resting < SPARE * (now.processors - before.processors)
    return rested or now.own - before.own > BUSY * (now.clock - before.clock)
