"""The processes of a measurement: each is told its job on the first line of its input, and ends by itself."""

import asyncio
import contextlib
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from proof.server import clean_environ

_END_SECONDS = 10.0


@asynccontextmanager
async def child(module: str, job: msgspec.Struct) -> AsyncIterator[Process]:
    """`python -m module` at work on the job. It ends by itself with the block, or is killed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, stdin=PIPE, stdout=PIPE, env=clean_environ(), limit=2**20
    )
    try:
        await say(process, msgspec.json.encode(job))
        yield process
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _END_SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def say(process: Process, line: bytes) -> None:
    """Write one line to its input."""
    assert process.stdin is not None, "it was asked for"
    process.stdin.write(line + b"\n")
    await process.stdin.drain()


async def heard(process: Process) -> bytes:
    """The next line of its output; empty at its end."""
    assert process.stdout is not None, "it was asked for"
    return await process.stdout.readline()
