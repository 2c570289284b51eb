"""Strangers' turns: where the catalogue is public, so many of them are served at once, and customers beside them.

Whoever is signed in takes no turn here. So a flood of strangers fills what strangers have, and nothing else.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from lingdang.errors import retry_later

RETRY_SECONDS = 1


class Strangers:
    """The turns of one worker for one kind of question."""

    def __init__(self, at_once: int, waiting: int, wait_seconds: float = 2.0) -> None:
        self._turns = asyncio.Semaphore(at_once)
        self._most = at_once + waiting
        self._wait_seconds = wait_seconds
        self._here = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """A block that is a stranger's turn. Raises Problem `overloaded` where too many wait, or it waits too long."""
        if self._here >= self._most:
            raise retry_later("overloaded", RETRY_SECONDS)
        self._here += 1
        try:
            await self._wait()
            try:
                yield
            finally:
                self._turns.release()
        finally:
            self._here -= 1

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._turns.acquire()
        except TimeoutError:
            raise retry_later("overloaded", RETRY_SECONDS) from None
