"""Waiting for what comes: while anybody waits, one task of the worker looks at the journal, and wakes them all.

Whoever waits holds no connection.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from lingdang.db.pool import Connection
from lingdang.errors import Problem
from lingdang.journal.positions import horizon

LOOK_SECONDS = 0.25
"""Between two looks; for so long what is there may not be told."""

_NEWEST = """
SELECT greatest(
    (SELECT position FROM transfer WHERE bucket = %b AND position < %b ORDER BY position DESC LIMIT 1),
    (SELECT position FROM notice WHERE bucket = %b AND position < %b ORDER BY position DESC LIMIT 1), 0)
"""

_log = structlog.get_logger(__name__)


async def newest(connection: Connection, buckets: int) -> list[int]:
    """The newest position that may be read of each bucket; 0 where there is none."""
    found: list[int] = []
    for bucket in range(buckets):
        place = (bucket, await horizon(connection, bucket))
        [(position,)] = await (await connection.execute(_NEWEST, (*place, *place), binary=True)).fetchall()
        found.append(int(position))
    return found


class Arrivals:
    """What one worker knows of the journal's end. `look` answers the newest position of each bucket."""

    def __init__(self, look: Callable[[], Awaitable[Sequence[int]]]) -> None:
        self._look = look
        self._newest: Sequence[int] = ()
        self._changed = asyncio.Event()
        self._waiting = 0
        self._looking: asyncio.Task[None] | None = None
        self.looks = 0
        self._closed = False

    def __len__(self) -> int:
        """How many wait."""
        return self._waiting

    def close(self) -> None:
        """From now on nobody waits."""
        self._closed = True
        self._changed.set()
        if self._looking is not None:
            self._looking.cancel()

    async def wait(self, read_to: Sequence[int], seconds: float) -> bool:
        """Wait until a bucket has something behind what was read of it; False when there was nothing in time."""
        self._waiting += 1
        if self._looking is None:
            self._looking = asyncio.create_task(self._watch())
        try:
            async with asyncio.timeout(seconds):
                while not self._closed and not self._has_more(read_to):
                    await self._changed.wait()
            return not self._closed
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1

    def _has_more(self, read_to: Sequence[int]) -> bool:
        return any(there > read for there, read in zip(self._newest, read_to, strict=False))

    async def _watch(self) -> None:
        while self._waiting and not self._closed:
            try:
                self._newest = await self._look()
            except Problem as problem:
                _log.warning("events_postponed", code=problem.code)
            except Exception:
                _log.exception("events_failed")
            self.looks += 1
            self._changed.set()
            self._changed = asyncio.Event()
            await asyncio.sleep(LOOK_SECONDS)
        # Whoever comes later must not believe it: a restore puts the end back.
        self._newest, self._looking = (), None
