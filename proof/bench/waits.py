"""What the database's processes do and what the kernel has not yet written, every few ms, by a process of its own.

It asks through a connection like any other, and takes a tenth of a core.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psycopg

from proof.bench import beside

STEP = 0.003
"""Seconds between two looks."""
_MEMORY = Path("/proc/meminfo")
_NOT_WRITTEN = ("Dirty:", "Writeback:")

_DOING = """
SELECT backend_type || ': ' || coalesce(wait_event_type || '/' || wait_event, 'works') || ' '
       || left(regexp_replace(query, '\\s+', ' ', 'g'), 60)
  FROM pg_stat_activity
 WHERE pid <> pg_backend_pid() AND wait_event_type IS DISTINCT FROM 'Activity'
   AND (state = 'active' OR backend_type <> 'client backend')
"""


class Look(msgspec.Struct, frozen=True):
    """One look, at a moment of the monotonic clock. `not_written` is in bytes; each of `doing` is one process."""

    at: float
    not_written: int
    doing: list[str]


@contextmanager
def watched(url: str, file: Path) -> Iterator[None]:
    """Looks are written to the file until the block ends. `url` is a database of the server's."""
    with beside.running("proof.bench.waits", url, file):
        yield


def read(file: Path) -> list[Look]:
    """The looks in a file, in their order; a last one that was cut off is left out."""
    return beside.noted(file, Look)


def _not_written() -> int:
    lines = (line.split() for line in _MEMORY.read_text().splitlines())
    return 1024 * sum(int(words[1]) for words in lines if words[0] in _NOT_WRITTEN)


def _watch(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        while True:
            doing = [row[0] for row in connection.execute(_DOING.encode())]
            beside.note(Look(time.monotonic(), _not_written(), doing))
            time.sleep(STEP)


if __name__ == "__main__":
    _watch(sys.argv[1])
