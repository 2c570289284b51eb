"""The faults. Each is done to the running processes; what brings service back is the shop's own affair."""

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import psutil
import psycopg

from proof.faults.server import Server, backends

Inject = Callable[[Server, random.Random], Awaitable[None]]


async def kill_background(server: Server, chance: random.Random) -> None:
    """kill -9 of the process that seals, heals and delivers; the supervisor starts another."""
    _kill(chance.choice(await _some(server.background)))


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


async def stop_worker(server: Server, chance: random.Random) -> None:
    """SIGSTOP of one worker, for ever; the supervisor sees that its event loop rests, and starts another."""
    chance.choice(await _some(server.workers)).suspend()


async def stop_postgres(server: Server, chance: random.Random) -> None:
    """SIGSTOP of all of PostgreSQL for one to six seconds, as by a host that is paused."""
    first = server.postmaster()
    stopped = [first, *first.children(recursive=True)]
    for process in stopped:
        _send(process, signal.SIGSTOP)
    await asyncio.sleep(chance.uniform(1, 6))
    for process in stopped:
        _send(process, signal.SIGCONT)


async def cut(server: Server, chance: random.Random) -> None:
    """Every connection to PostgreSQL is cut, wherever its transaction stands."""
    async with await psycopg.AsyncConnection.connect(server.database_url(), autocommit=True) as connection:
        await connection.execute(_CUT)


async def restart(server: Server, chance: random.Random) -> None:
    """PostgreSQL is shut down in order, as for an update; the supervisor starts it again."""
    _send(server.postmaster(), signal.SIGINT)


async def disk_full(server: Server, chance: random.Random) -> None:
    """The disk's last byte is taken, and given back after three to six seconds."""
    ballast = server.data_dir.parent / "ballast"
    try:
        await asyncio.to_thread(_take_all, ballast)
        await asyncio.sleep(chance.uniform(3, 6))
    finally:
        ballast.unlink(missing_ok=True)


async def standby(server: Server, chance: random.Random) -> None:
    """kill -9 of the primary; its synchronous standby is promoted, and gets a standby of its own."""
    assert server.cluster is not None, "the run made one"
    await asyncio.to_thread(server.cluster.fail_over)


KINDS: Mapping[str, Inject] = {
    "worker": kill_worker,
    "background": kill_background,
    "postmaster": kill_postmaster,
    "backend": kill_backend,
    "server": kill_server,
    "everything": kill_everything,
    "stop-worker": stop_worker,
    "stop-postgres": stop_postgres,
    "cut": cut,
    "restart": restart,
    "disk-full": disk_full,
    "standby": standby,
}

_CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lingdang'"


async def _some(find: Callable[[], list[psutil.Process]]) -> list[psutil.Process]:
    """The processes, once there is any: those of the last fault's may only just come."""
    while not (found := find()):  # noqa: ASYNC110 - another process cannot set an event
        await asyncio.sleep(0.05)
    return found


async def _again(server: Server) -> None:
    server.reap()
    await server.start()


def _kill(process: psutil.Process) -> None:
    _send(process, signal.SIGKILL)


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


def _take_all(ballast: Path) -> None:
    """Fill the disk. What others free meanwhile is taken as well."""
    block = bytes(2**20)
    with ballast.open("wb", buffering=0) as file:
        size = len(block)
        while size > 512:
            try:
                file.write(block[:size])
            except OSError:
                size //= 2
