"""When refusals are answered: what is refused again and again is answered late."""

import asyncio
import time
from collections.abc import Callable


class Pacing:
    """The first refusals of a second are answered at once, the others a second later.

    So whoever repeats at once is refused as seldom, and a flood of guesses takes little from those who buy.
    """

    PROMPT = 20
    PAUSE_SECONDS = 1.0

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._second = 0
        self._prompt = 0

    async def hold(self) -> None:
        """Return when the refusal is to be answered."""
        second = int(self._monotonic())
        if second != self._second:
            self._second, self._prompt = second, 0
        self._prompt += 1
        if self._prompt > self.PROMPT:
            await asyncio.sleep(self.PAUSE_SECONDS)
