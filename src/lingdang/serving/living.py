"""What each process of a server does for its supervisor, and ends without it."""

import asyncio
import os
import threading
import time
from collections.abc import Callable
from multiprocessing import connection, parent_process

import structlog

from lingdang.serving.metrics import Metrics
from lingdang.serving.work import Beat

_PUBLISH_SECONDS = 1.0
_BEAT_SECONDS = 0.5

_log = structlog.get_logger(__name__)


def follow_parent(stop: Callable[[], object], seconds: float) -> None:
    """Stop when the supervisor is gone, however it ended; be gone some seconds later in any case."""
    parent = parent_process()
    assert parent is not None, "a server's process is started by its supervisor"

    def wait() -> None:
        connection.wait([parent.sentinel])
        stop()
        time.sleep(seconds)
        os._exit(1)

    threading.Thread(target=wait, daemon=True, name="follow-parent").start()


async def publish(metrics: Metrics) -> None:
    """Have the other processes find this one's counts, for ever."""
    while True:
        try:
            metrics.publish()
        except OSError as error:
            _log.warning("metrics_not_published", reason=error.strerror)
        await asyncio.sleep(_PUBLISH_SECONDS)


async def show_life(beat: Beat) -> None:
    """Let the supervisor see that the event loop runs, for ever."""
    while True:
        beat.value = time.monotonic()
        await asyncio.sleep(_BEAT_SECONDS)
