"""Seeds on several processes, each with workers of its own, on one database."""

import asyncio
import logging
import multiprocessing
import queue
from collections.abc import Iterator, Sequence
from contextlib import suppress
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue
from pathlib import Path

import structlog

from lingdang.db.pool import Connection
from lingdang.keys import Keyring
from proof.simulation.run import Verdict, run_seed
from proof.simulation.workers import Fleet

LOOKS = 600
"""After so many looks without any seed done the processes are taken for dead. While a run is stopped, nobody looks."""
LOOK_SECONDS = 1.0

Run = tuple[int, str]
"""A seed, and what tells this run of it from others."""


class JobsDiedError(Exception):
    """No seed is done any more."""


def verdicts(url: str, keyring: Path, seeds: Sequence[Run], jobs: int) -> Iterator[Verdict]:
    """The seeds' verdicts as they come, from so many processes. Raises JobsDiedError."""
    context = multiprocessing.get_context("spawn")
    todo: Queue[Run | None] = context.Queue()
    done: Queue[Verdict] = context.Queue()
    for seed in [*seeds, *[None] * jobs]:
        todo.put(seed)
    processes = [context.Process(target=_job, args=(url, keyring, todo, done), daemon=True) for _ in range(jobs)]
    for process in processes:
        process.start()
    try:
        for _ in seeds:
            yield _next(done, processes)
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _next(done: "Queue[Verdict]", processes: Sequence[BaseProcess]) -> Verdict:
    """The next verdict. Raises JobsDiedError."""
    for _ in range(LOOKS):
        with suppress(queue.Empty):
            return done.get(timeout=LOOK_SECONDS)
        for process in processes:
            if process.exitcode:
                raise JobsDiedError(f"{process.name} ended with {process.exitcode}")
    raise JobsDiedError(f"no seed was done while {LOOKS} looks were taken, {LOOK_SECONDS:g} s each")


def _job(url: str, keyring: Path, todo: "Queue[Run | None]", done: "Queue[Verdict]") -> None:
    """One process: seeds one after the other."""
    be_quiet()
    asyncio.run(_run(url, keyring, todo, done))


async def _run(url: str, keyring: Path, todo: "Queue[Run | None]", done: "Queue[Verdict]") -> None:
    async with (
        await Connection.connect(url, autocommit=True) as connection,
        Fleet(url, Keyring(keyring)) as fleet,
    ):
        while (run := todo.get()) is not None:
            done.put(await run_seed(run[0], fleet, connection, run[1]))


def be_quiet() -> None:
    """No log: what is logged here is what is done on purpose."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.getLogger("psycopg").setLevel(logging.CRITICAL)
