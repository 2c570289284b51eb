"""What a worker is given by its supervisor."""

from pathlib import Path
from typing import Protocol

import msgspec

from lingdang.serving.tls import Certificate
from lingdang.settings import Settings

BACKLOG = 2048
"""Connections that may wait to be accepted."""


SETTLED = "settled"
"""The folder of the run directory in which workers count what they settle."""


class Beat(Protocol):
    """A moment on the monotonic clock in memory that supervisor and worker share: when its event loop last ran."""

    value: float


class Work(msgspec.Struct, frozen=True):
    """One worker's share. Without a certificate it serves plain HTTP."""

    number: int
    settings: Settings
    database_url: str
    certificate: Certificate | None
    run_directory: Path
    """Where the processes of this server find each other's counts."""

    @property
    def metrics_directory(self) -> Path:
        return self.run_directory / "metrics"

    @property
    def settled_directory(self) -> Path:
        return self.run_directory / SETTLED


def run_directory(settings: Settings) -> Path:
    """Where a server's processes, and those that work beside it, find each other's counts."""
    return settings.data_path / "run"
