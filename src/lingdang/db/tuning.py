"""The embedded server's configuration: durable first, then fast. Each line's reason is in docs/operations.md."""

import os
import sys
from pathlib import Path

_MB = 2**20
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")

MAX_CONNECTIONS = 400
"""Of them COMMANDS are left to commands beside a server, and to whoever looks after the database."""
COMMANDS = 20

_FIXED = f"""\
# Written by Lingdang at each start; the reasons are in docs/operations.md.
fsync = on
synchronous_commit = on
full_page_writes = on
wal_compression = off
wal_buffers = 16MB
checkpoint_timeout = 15min
checkpoint_completion_target = 0.9
max_connections = {MAX_CONNECTIONS}
work_mem = 16MB
random_page_cost = 1.1
jit = off
autovacuum_naptime = 15s
autovacuum_vacuum_scale_factor = 0.05
autovacuum_vacuum_cost_limit = 1000
idle_in_transaction_session_timeout = 60s
unix_socket_permissions = 0700
log_timezone = 'UTC'
logging_collector = on
log_directory = 'log'
log_filename = 'postgresql-%a.log'
log_rotation_age = 1d
log_rotation_size = 0
log_truncate_on_rotation = on
log_line_prefix = '%m [%p] '
log_min_error_statement = panic
log_error_verbosity = terse
log_checkpoints = off
"""


def memory_bytes() -> int:
    """The memory this machine, or the container around this process, may use."""
    total = 2048 * _MB
    if hasattr(os, "sysconf"):
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = _CGROUP_LIMIT.read_text().strip()
    except OSError:
        return total
    return min(total, int(limit)) if limit.isdigit() else total


def configuration(memory: int, disk: int, listen: str) -> str:
    """The text of `lingdang.conf` for so many bytes of memory and of disk; `listen` are its address lines."""
    buffers = _between(64, memory // _MB // 8, 2048)
    wal = _between(512, disk // _MB // 16, 4096)
    sizes = (
        f"shared_buffers = {buffers}MB\n"
        f"effective_cache_size = {_between(256, memory // _MB // 2, 65536)}MB\n"
        f"maintenance_work_mem = {_between(64, memory // _MB // 32, 512)}MB\n"
        f"max_wal_size = {wal}MB\n"
        f"min_wal_size = {wal // 4}MB\n"
    )
    # macOS answers a plain fsync before the disk has the data.
    platform = "wal_sync_method = fsync_writethrough\n" if sys.platform == "darwin" else ""
    return f"{_FIXED}{sizes}{platform}{listen}"


def _between(least: int, wanted: int, most: int) -> int:
    return max(least, min(wanted, most))
