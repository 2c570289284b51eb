"""What is done to the server meanwhile: sessions ended, a session process killed, the server killed or restarted."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from lingdang.db.embedded import EmbeddedServer
from lingdang.db.failures import AWAY
from lingdang.db.pool import Connection, connect_options
from proof.faults.server import backends, postmaster

_END_ONE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
 ORDER BY random() LIMIT 1
"""
_SECONDS = 0.5


class Trouble:
    """Does one after the other to the server of `data_dir`."""

    def __init__(self, server: EmbeddedServer, data_dir: Path, url: str, chance: random.Random) -> None:
        self.counts: Counter[str] = Counter()
        self.each_made = asyncio.Event()
        """Set when each has been done."""
        self.server = server
        self._pgdata = data_dir / "pg"
        self._url = url
        self._chance = chance
        sessions = [self._end_session] * 4
        self._all: Sequence[Callable[[], Awaitable[None]]] = (
            *sessions, self._kill_backend, *sessions, self._kill_server, *sessions, self._restart
        )  # fmt: skip

    async def make(self) -> None:
        """Make trouble for ever."""
        while True:
            for one in self._all:
                await asyncio.sleep(self._chance.uniform(0, 2 * _SECONDS))
                await one()
            self.each_made.set()

    async def _end_session(self) -> None:
        with suppress(*AWAY):
            async with await Connection.connect(self._url, **connect_options(False)) as connection:
                cursor = await connection.execute(_END_ONE)
                self.counts["sessions ended"] += len(await cursor.fetchall())

    async def _kill_backend(self) -> None:
        victims = backends(postmaster(self._pgdata))
        if victims:
            with suppress(psutil.NoSuchProcess):
                self._chance.choice(victims).kill()
                self.counts["session processes killed"] += 1

    async def _kill_server(self) -> None:
        postmaster(self._pgdata).kill()
        await asyncio.to_thread(self.server.start)
        self.counts["servers killed"] += 1

    async def _restart(self) -> None:
        first = postmaster(self._pgdata)
        first.send_signal(signal.SIGINT)
        await asyncio.to_thread(psutil.wait_procs, [first], 60)
        await asyncio.to_thread(self.server.start)
        self.counts["restarts"] += 1
