"""A reader of the journal that is not the sealer, as a process of its own: it notes when it saw each row first."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from lingdang.db.pool import Connection, connect_options
from lingdang.journal.positions import Place, read_on
from proof.bench import beside

STEP = 0.01
"""Seconds until it asks again when there was nothing more."""
PAGE = 500
_PATIENCE_SECONDS = 60.0


class Page(msgspec.Struct, frozen=True):
    """What was seen at a moment of the monotonic clock."""

    at: float
    places: list[Place]


@contextmanager
def followed(url: str, file: Path) -> Iterator[None]:
    """Pages are written to the file until the block ends; it begins when all that was there before has been seen."""
    with beside.running("proof.bench.following", url, file) as process:
        _await_first(process, file)
        yield


def read(file: Path) -> list[Page]:
    """The pages in a file, in their order; a last one that was cut off is left out."""
    return beside.noted(file, Page)


def _await_first(process: "subprocess.Popen[bytes]", file: Path) -> None:
    end = time.monotonic() + _PATIENCE_SECONDS
    while not file.stat().st_size:
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError("the reader did not come to the journal's end")
        time.sleep(STEP)


async def _follow(url: str) -> None:
    async with await Connection.connect(url, **connect_options(False)) as connection:
        cursor, at_end = 0, False
        while True:
            page = await read_on(connection, 0, cursor, PAGE)
            cursor = page.cursor
            if page.places and at_end:
                beside.note(Page(time.monotonic(), page.places))
            if not page.more:
                if not at_end:
                    at_end = True
                    beside.note(Page(time.monotonic(), []))
                await asyncio.sleep(STEP)


if __name__ == "__main__":
    asyncio.run(_follow(sys.argv[1]))
