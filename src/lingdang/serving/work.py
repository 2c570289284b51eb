"""What a worker is given by its supervisor."""

from pathlib import Path
from typing import Protocol

import msgspec

from lingdang.serving.tls import Certificate
from lingdang.settings import Settings

BACKLOG = 2048
"""Connections that may wait to be accepted."""


class Beat(Protocol):
    """A moment on the monotonic clock in memory that supervisor and worker share: when its event loop last ran."""

    value: float


class Work(msgspec.Struct, frozen=True):
    """One worker's share. Without a certificate it serves plain HTTP."""

    number: int
    settings: Settings
    database_url: str
    certificate: Certificate | None
    metrics_directory: Path
