"""Cores kept at work between windows: one of a virtual machine that has rested is slow for seconds.

After twenty seconds of rest a fixed piece of work has been seen to take 1.7 times as long for half a second to four;
after none, not at all. Windows are preceded by rests of any length, and a busy shop does not rest.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_WORK = "import os\nos.nice(19)\nwhile os.getppid() == {}: sum(range(100_000))"


class Awake:
    """A process for each core that works, behind everything else, until the block ends."""

    def __init__(self) -> None:
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "Awake":
        command = [sys.executable, "-S", "-c", _WORK.format(os.getpid())]
        self._processes = [subprocess.Popen(command) for _ in range(os.cpu_count() or 1)]
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.wait()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing of it runs in the block."""
        self._send(signal.SIGSTOP)
        try:
            yield
        finally:
            self._send(signal.SIGCONT)

    def _send(self, number: signal.Signals) -> None:
        for process in self._processes:
            process.send_signal(number)
