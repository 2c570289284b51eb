"""Upkeep leaves the machine to payments: it rests after each batch, and for longer while many are settled."""

import asyncio
from collections.abc import Callable

BUSY_SHARE = 0.3
"""A worker that settles for more of its time than this is busy."""
RESTS = (1, 9)
"""How many times as long as a batch took the rest lasts: of a worker that has little to settle, and of a busy one."""


class Rests:
    """The rests of one healer in one worker. `settled` answers for how many seconds the worker has settled so far."""

    def __init__(self, settled: Callable[[], float]) -> None:
        self._settled = settled
        self._busy = False

    async def after(self, seconds: float) -> None:
        """Rest after a batch that took so long, and learn meanwhile whether the worker is busy."""
        pause = RESTS[self._busy] * seconds
        before = self._settled()
        await asyncio.sleep(pause)
        self._busy = self._settled() - before > BUSY_SHARE * pause
