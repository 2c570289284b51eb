"""How the sealer shares a worker with payments: they come first for a while, and then it works with rests.

Pure but for the clock: what may be done is decided from how much the worker has settled and how long the journal waits.
"""

import time
from collections.abc import Callable

LOOK_SECONDS = 1.0
"""What a worker does is judged over no less: a shorter look may fall between two batches, and see an idle worker."""
BUSY_SHARE = 0.3
"""A worker that settles for more of its time than this leaves the sealing for later, …"""
PATIENCE_SECONDS = 120.0
"""… but not for longer than this: then it seals a step at a time, …"""
FEW = 50
"""… of so few wallets that payments beside it hardly notice, …"""
RESTS = 9
"""… and rests so many times as long as the step took, …"""
LAST_SECONDS = 600.0
"""… until the journal has waited for so long. From then on it does not rest."""


class Pace:
    """One worker's pace. `settled` answers for how many seconds it has settled so far, `clock` is monotonic."""

    def __init__(self, settled: Callable[[], float], clock: Callable[[], float] = time.monotonic) -> None:
        self._settled = settled
        self._clock = clock
        self._looked = (clock(), settled())
        self.busy = False

    def allows(self, lag: float) -> bool:
        """Whether there is time to seal, when the journal has waited for `lag` seconds."""
        (then, before), now = self._looked, self._clock()
        if now - then >= LOOK_SECONDS:
            settled = self._settled()
            self._looked = (now, settled)
            self.busy = settled - before >= BUSY_SHARE * (now - then)
        return not self.busy or lag > PATIENCE_SECONDS

    def rest(self, seconds: float, lag: float) -> float:
        """How long to leave a busy worker to its payments after a step that took so many seconds."""
        return RESTS * seconds if self.busy and lag < LAST_SECONDS else 0.0
