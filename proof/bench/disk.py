"""The disk by itself: how long a request would wait if nothing but the sync of the log took time.

A virtual machine's disk stalls, too: for a tenth of a second at a time, while nothing else asks for it. A latency
that is measured in ms has to be read beside this.
"""

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from proof.bench.load import percentile

PACE = 1 / 350
"""Seconds from one sync to the next, and how much each writes: as small batches of payments do."""
BYTES = 16 * 1024
_FILE = 4 * 1024 * 1024
"""The file is written over and over, as the log's segments are."""
_STEP = 0.0005


def syncs(directory: Path, seconds: float) -> list[float]:
    """Write and sync at the pace, on the disk of `directory`; answers the seconds that each took."""
    took: list[float] = []
    with tempfile.TemporaryFile(dir=directory, buffering=0) as file:
        file.write(bytes(_FILE))
        os.fsync(file.fileno())
        until = time.perf_counter() + seconds
        while (started := time.perf_counter()) < until:
            os.pwrite(file.fileno(), bytes(BYTES), len(took) * BYTES % _FILE)
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - started)
            time.sleep(max(0.0, PACE - took[-1]))
    return took


def felt(took: Sequence[float]) -> float:
    """The 99th percentile of what they wait who come at any moment: for the sync under way and for the next one."""
    return percentile(sorted(_waits(took)), 0.99)


def _waits(took: Sequence[float]) -> Iterator[float]:
    for this, following in pairwise(took):
        for step in range(1 + int(max(PACE, this) / _STEP)):
            yield max(0.0, this - step * _STEP) + following
