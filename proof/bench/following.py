"""A reader of the journal that is not the sealer, as a process of its own: it notes in a file, a line of JSON a page,
when it saw each row first."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from lingdang.db.pool import Connection, connect_options
from lingdang.journal.positions import RowPosition, read_on

STEP = 0.01
"""Seconds until it asks again when there was nothing more."""
PAGE = 500
_PATIENCE_SECONDS = 60.0


class Page(msgspec.Struct, frozen=True):
    """What was seen at a moment of the monotonic clock."""

    at: float
    places: list[RowPosition]


@contextmanager
def followed(url: str, file: Path) -> Iterator[None]:
    """Pages are written to the file until the block ends; it begins when all that was there before has been seen."""
    with file.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-m", "proof.bench.following", url], stdout=out)
        try:
            _await_first(process, file)
            yield
        finally:
            process.kill()
            process.wait()


def read(file: Path) -> list[Page]:
    """The pages in a file, in their order; a last one that was cut off is left out."""
    lines = file.read_bytes().splitlines(keepends=True)
    return [msgspec.json.decode(line, type=Page) for line in lines if line.endswith(b"\n")]


def _note(page: Page) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(page) + b"\n")
    sys.stdout.buffer.flush()


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
                _note(Page(time.monotonic(), page.places))
            if not page.more:
                if not at_end:
                    at_end = True
                    _note(Page(time.monotonic(), []))
                await asyncio.sleep(STEP)


if __name__ == "__main__":
    asyncio.run(_follow(sys.argv[1]))
