"""Hands the disk what the embedded database has written, a little at a time. Its own process, on Linux only.

PostgreSQL fills each new page of a table with zeros, in the kernel's cache. Left alone, the kernel keeps them for half
a minute and then gives the disk a hundred megabytes at once, and the sync of whoever commits waits behind them.
PostgreSQL hands over what its checkpoints write in the same way (checkpoint_flush_after), but not new pages.
sync_file_range(2) only begins to write: nothing is durable by it, and nothing relies on it.
"""

import ctypes
import os
import select
import sys
import time
from collections.abc import Iterator
from pathlib import Path

INTERVAL_SECONDS = 0.5
"""How long what is written gathers: some megabytes when the database is busy."""
REST_SECONDS = 0.02
"""Between two files, so that commits' syncs find room."""
_CLOCK_STEP = 10_000_000
"""Nanoseconds that a file's time may be behind the clock."""
_WRITE = 2
"""SYNC_FILE_RANGE_WRITE of linux/fs.h."""


class Writeback:
    """What was seen of the files of the database's data directory `pgdata`; what was written before is left alone."""

    def __init__(self, pgdata: Path) -> None:
        self._base = pgdata / "base"
        self._written: dict[str, int] = {}
        self._since = time.time_ns() - _CLOCK_STEP
        self._begin = ctypes.CDLL(None, use_errno=True).sync_file_range
        self._begin.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)

    def files(self) -> Iterator[str]:
        """Begin to write out each file that was written to since the last time, and tell its path."""
        for database in os.scandir(self._base):
            try:
                yield from self._of_database(database.path)
            except FileNotFoundError:
                continue  # dropped meanwhile; what is left is seen the next time

    def _of_database(self, directory: str) -> Iterator[str]:
        for file in os.scandir(directory):
            written = file.stat(follow_symlinks=False).st_mtime_ns
            if written > self._written.get(file.path, self._since):
                self._begin_file(file.path)
                self._written[file.path] = written
                yield file.path

    def _begin_file(self, path: str) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if self._begin(descriptor, 0, 0, _WRITE) != 0:
                error = ctypes.get_errno()
                raise OSError(error, os.strerror(error), path)
        finally:
            os.close(descriptor)


def main(pgdata: Path, postmaster: int) -> None:
    """Work until the database's first process ends. Raises OSError."""
    try:
        ended = os.pidfd_open(postmaster)
    except ProcessLookupError:
        return
    writeback = Writeback(pgdata)
    while not _ends(ended, INTERVAL_SECONDS):
        for _ in writeback.files():
            if _ends(ended, REST_SECONDS):
                return


def _ends(process: int, seconds: float) -> bool:
    """Whether the process of this descriptor ends within so many seconds."""
    return bool(select.select([process], [], [], seconds)[0])


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), int(sys.argv[2]))
    except OSError as fault:
        sys.exit(f"what the database writes is left to the kernel from now on: {fault}")
