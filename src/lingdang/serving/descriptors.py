"""File descriptors: each connection needs one, and what the system grants decides how many there can be."""

import os
import sys

import structlog

from lingdang.errors import CommandError
from lingdang.serving.seats import DOOR
from lingdang.settings import Settings

if sys.platform != "win32":
    import resource

LEAST = 192
"""Fewer than these serve nobody."""
_SPARE = 48
"""For files that are open for a moment, and the database's connections beside the pool."""

_log = structlog.get_logger(__name__)


def raise_limit(settings: Settings) -> None:
    """Let this process and those that it starts open as many files as they need and may.

    Raises CommandError when that is not enough to serve.
    """
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = settings.connection_limit + LEAST
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft != resource.RLIM_INFINITY and soft < LEAST:
        raise CommandError(f"only {soft} files may be open in a process; allow {LEAST} or more (`ulimit -n`)")


def connection_limit(settings: Settings) -> int:
    """How many connections this worker takes: the setting's number, or fewer when the descriptors do not suffice."""
    granted = _granted()
    if granted is None:
        return settings.connection_limit
    room = granted - _in_use() - settings.pool_size - settings.buckets - DOOR - _SPARE
    if room >= settings.connection_limit:
        return settings.connection_limit
    limit = max(1, room)
    _log.warning(
        "connection_limit_lowered",
        setting="LINGDANG_CONNECTION_LIMIT",
        asked=settings.connection_limit,
        limit=limit,
        descriptors=granted,
        remedy="raise the limit on open files (ulimit -n, LimitNOFILE=)",
    )
    return limit


def _granted() -> int | None:
    if sys.platform == "win32":
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


def _in_use() -> int:
    for place in ("/proc/self/fd", "/dev/fd"):
        if os.path.isdir(place):
            return len(os.listdir(place))
    return _SPARE
