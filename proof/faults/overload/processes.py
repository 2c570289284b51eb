"""What a shop's processes take: CPU time, memory, and whether one of them was replaced."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil

from proof.faults.server import Server
from proof.server import family_cpu_seconds

_LOOK_SECONDS = 0.25


class Memory:
    """The workers' resident bytes, looked at several times a second."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.peak = 0

    def now(self) -> int:
        """What they hold now."""
        seen = 0
        for worker in self._server.workers():
            try:
                seen += int(worker.memory_info().rss)
            except psutil.Error:
                continue
        self.peak = max(self.peak, seen)
        return seen

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Look again and again for as long as the block."""
        looking = asyncio.create_task(self._look())
        try:
            yield
        finally:
            looking.cancel()

    async def _look(self) -> None:
        while True:
            self.now()
            await asyncio.sleep(_LOOK_SECONDS)


def cpu_seconds(server: Server) -> float:
    """CPU time of supervisor, workers and PostgreSQL so far."""
    return family_cpu_seconds(server.process) + family_cpu_seconds(server.postmaster())


def others_cpu_seconds(server: Server) -> float:
    """CPU time of everybody else on this machine so far, for as long as our own processes are there to be asked."""
    busy = psutil.cpu_times()
    all_seconds = sum(busy) - busy.idle - getattr(busy, "iowait", 0.0) - getattr(busy, "guest", 0.0)
    return float(all_seconds - family_cpu_seconds(psutil.Process()) - family_cpu_seconds(server.postmaster()))


def workers_ended(server: Server) -> int:
    """How many workers ended, by themselves or because the supervisor killed them, since the server's start."""
    return server.log().count("worker_ended")
