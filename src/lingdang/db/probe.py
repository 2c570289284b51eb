"""The readiness probe: on a connection of its own, so that it waits for nobody, and asked once a second at most."""

import asyncio
import time
from collections.abc import Callable

import psycopg

from lingdang.db.lane import Lane
from lingdang.db.migrate import AT, HEAD
from lingdang.db.pool import Connection
from lingdang.errors import Problem

FRESH_SECONDS = 1.0
"""For how long an answer holds. A flood of probes is one statement a second."""
ANSWER_SECONDS = 2.0
"""A database that has not answered by then is not ready."""


class Probe:
    """Whether the database answers and this version runs on its revision. `monotonic` is a clock in seconds."""

    def __init__(self, url: str, pgbouncer: bool, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._lane = Lane(url, pgbouncer, ANSWER_SECONDS)
        self._monotonic = monotonic
        self._asking: asyncio.Task[bool] | None = None
        self._asked = 0.0

    async def ready(self) -> bool:
        """The newest answer; whoever asks while the database is being asked waits for that one."""
        if self._asking is None or (self._asking.done() and self._monotonic() - self._asked >= FRESH_SECONDS):
            self._asked = self._monotonic()
            self._asking = asyncio.create_task(self._ask())
        asking = self._asking  # by the time this one is heard, somebody else may have asked anew
        done, _ = await asyncio.wait({asking}, timeout=ANSWER_SECONDS)
        return bool(done) and asking.result()

    async def close(self) -> None:
        if self._asking is not None:
            await asyncio.wait({self._asking})
        await self._lane.close()

    async def _ask(self) -> bool:
        try:
            return await self._lane.twice(_is_migrated)
        except (Problem, psycopg.Error):
            return False


async def _is_migrated(connection: Connection) -> bool:
    return await (await connection.execute(AT, (HEAD,) * 3)).fetchall() == [(True,)]
