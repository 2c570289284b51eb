"""Who takes turns: work of one key is done so many abreast, and so many may wait for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from lingdang.errors import retry_later


class _Line:
    """Those who work and wait under one key."""

    def __init__(self, abreast: int) -> None:
        self.free = asyncio.Semaphore(abreast)
        self.length = 0


class Turns:
    """Turns by key, of one process. A key takes room only while somebody works or waits under it.

    Who finds the line full is told `code` and the seconds after which it has moved on: `seconds` for each in it.
    """

    def __init__(self, abreast: int, waiting: int, *, code: str = "overloaded", seconds: float = 0.0) -> None:
        self._abreast = abreast
        self._longest = abreast + waiting
        self._code = code
        self._seconds = seconds
        self._lines: dict[str, _Line] = {}

    @asynccontextmanager
    async def turn(self, key: str) -> AsyncIterator[None]:
        """Wait for a turn; it ends with the block. Raises Problem with the code above when the line is full."""
        line = self._lines.setdefault(key, _Line(self._abreast))
        if line.length >= self._longest:
            wait = max(1, round(line.length * self._seconds))
            raise retry_later(
                self._code, wait, why=f"{line.length} attempts of one {key.partition(' ')[0]} are under way"
            )
        line.length += 1
        try:
            async with line.free:
                yield
        finally:
            line.length -= 1
            if not line.length:
                del self._lines[key]
