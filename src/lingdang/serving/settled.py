"""How much the server's workers settle, for those who work beside them on the same machine and give way to them.

Each worker counts in a small file that it has in its memory: counting costs no call of the system, and whoever looks
reads the count as it is.
"""

import mmap
import struct
import time
from collections.abc import Callable
from pathlib import Path

from lingdang.ledger.settled import Settled

LOOK_SECONDS = 1.0
"""How often it is looked which workers there are."""

_FORM = struct.Struct("=dd")


class Tally:
    """One worker's count, from 0."""

    def __init__(self, directory: Path, worker: int) -> None:
        path = directory / str(worker)
        path.write_bytes(bytes(_FORM.size))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _FORM.size)
        self._seconds = self._commands = 0.0

    def batch(self, size: int, seconds: float) -> None:
        """A batch of so many commands was settled in so many seconds."""
        self._seconds += seconds
        self._commands += size
        _FORM.pack_into(self._memory, 0, self._seconds, self._commands)


class Tallies:
    """What all workers together have settled since it was first looked. `clock` is monotonic."""

    def __init__(self, directory: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._directory = directory
        self._clock = clock
        self._looked = float("-inf")
        self._counts: dict[str, Settled] = {}
        self._files: dict[str, Path] = {}
        self._sum = Settled(0.0, 0)

    def __call__(self) -> Settled:
        """The commands are those of all workers; the seconds are those of whichever was the busiest meanwhile."""
        if self._clock() - self._looked >= LOOK_SECONDS:
            self._looked = self._clock()
            self._files = {path.name: path for path in self._directory.glob("*")}
        seconds, commands = 0.0, 0
        for name, path in self._files.items():
            now = _read(path)
            before = self._counts.get(name, now)
            if now.commands < before.commands:  # another worker has its place, and counts from 0
                before = Settled(0.0, 0)
            self._counts[name] = now
            seconds = max(seconds, now.seconds - before.seconds)
            commands += now.commands - before.commands
        self._sum = Settled(self._sum.seconds + seconds, self._sum.commands + commands)
        return self._sum


def _read(path: Path) -> Settled:
    try:
        seconds, commands = _FORM.unpack(path.read_bytes())
    except (OSError, struct.error):  # a worker is beginning
        return Settled(0.0, 0)
    return Settled(seconds, int(commands))
