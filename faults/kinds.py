"""The faults. Each is done to the running processes; what brings service back is the shop's own affair."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping

import psutil

from faults.server import Server, backends

Inject = Callable[[Server, random.Random], Awaitable[None]]


async def kill_worker(server: Server, chance: random.Random) -> None:
    """kill -9 of one worker; the supervisor starts another."""
    _kill(chance.choice(await _some(server.workers)))


async def kill_postmaster(server: Server, chance: random.Random) -> None:
    """kill -9 of PostgreSQL's first process; the supervisor starts the database again."""
    _kill(server.postmaster())


async def kill_backend(server: Server, chance: random.Random) -> None:
    """kill -9 of one of PostgreSQL's session processes; PostgreSQL ends them all and recovers."""
    _kill(chance.choice(await _some(lambda: backends(server.postmaster()))))


async def kill_server(server: Server, chance: random.Random) -> None:
    """kill -9 of supervisor and workers, not of the database; they are started again."""
    for process in (server.process, *server.workers()):
        _kill(process)
    await _again(server)


async def kill_everything(server: Server, chance: random.Random) -> None:
    """kill -9 of supervisor, workers and the database, as by a loss of power; the server is started again."""
    for process in (server.process, server.postmaster(), *server.workers()):
        _kill(process)
    await _again(server)


KINDS: Mapping[str, Inject] = {
    "worker": kill_worker,
    "postmaster": kill_postmaster,
    "backend": kill_backend,
    "server": kill_server,
    "everything": kill_everything,
}


async def _some(find: Callable[[], list[psutil.Process]]) -> list[psutil.Process]:
    """The processes, once there is any: those of the last fault's may only just come."""
    while not (found := find()):  # noqa: ASYNC110 - another process cannot set an event
        await asyncio.sleep(0.05)
    return found


async def _again(server: Server) -> None:
    server.reap()
    await server.start()


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return
