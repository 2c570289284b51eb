"""How the sealer shares a worker with payments: they come first for a while, and then it works with rests.

Pure but for the clock: what may be done is decided from how much the worker has settled and how long the journal waits.
"""

import time
from collections.abc import Callable

LOOK_SECONDS = 1.0
"""A worker is found idle over no less: a shorter look may fall between two batches."""
GLANCE_SECONDS = 0.1
"""It is found busy over so much, so that what has just begun to be paid does not wait behind the sealing."""
BUSY_SHARE = 0.3
"""A worker that settles for more of its time than this leaves the sealing for later, …"""
PATIENCE_SECONDS = 120.0
"""… but not for longer than this: then it seals a step at a time, …"""
MANY = 200
"""Transfers in a step while there is time: between two steps it is seen whether there still is."""
FEW = 50
"""… of so few transfers that payments beside it hardly notice, …"""
RESTS = 9
"""… and rests so many times as long as the step took, …"""
LAST_SECONDS = 600.0
"""… until the journal has waited for so long. From then on it does not rest, and its steps are as large as any."""


class Pace:
    """One worker's pace. `settled` answers for how many seconds it has settled so far, `clock` is monotonic."""

    def __init__(self, settled: Callable[[], float], clock: Callable[[], float] = time.monotonic) -> None:
        self._settled = settled
        self._clock = clock
        self.busy = False
        self.look()

    def look(self) -> None:
        """Judge the worker by what it does from now on."""
        self._looked = self._glanced = (self._clock(), self._settled())

    def allows(self, lag: float) -> bool:
        """Whether there is time to seal, when the journal has waited for `lag` seconds."""
        now = (self._clock(), self._settled())
        if now[0] - self._glanced[0] >= GLANCE_SECONDS:
            self.busy |= _is_busy(self._glanced, now)
            self._glanced = now
        if now[0] - self._looked[0] >= LOOK_SECONDS:
            self.busy = _is_busy(self._looked, now)
            self._looked = now
        return not self.busy or lag > PATIENCE_SECONDS

    def most(self, lag: float) -> int:
        """About how many transfers a step may seal."""
        return FEW if self._gives_way(lag) else MANY

    def rest(self, seconds: float, lag: float) -> float:
        """How long to leave a busy worker to its payments after a step that took so many seconds."""
        return RESTS * seconds if self._gives_way(lag) else 0.0

    def _gives_way(self, lag: float) -> bool:
        return self.busy and lag < LAST_SECONDS


def _is_busy(before: tuple[float, float], now: tuple[float, float]) -> bool:
    """From two moments, each with the seconds settled until then."""
    return now[1] - before[1] >= BUSY_SHARE * (now[0] - before[0])
