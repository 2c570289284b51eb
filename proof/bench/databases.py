"""The embedded server that is measured, and databases on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from lingdang.catalog.memory import Memory
from lingdang.clock import system_clock
from lingdang.db.embedded import EmbeddedServer
from lingdang.db.migrate import migrate
from lingdang.ledger.settlement import Settlement

BATCH_LIMIT = 256
"""Commands in a batch of `settlement`, at most."""


@contextmanager
def embedded(data_dir: Path) -> Iterator[str]:
    """The URL of an embedded server's own database, until the block ends."""
    server = EmbeddedServer(data_dir)
    try:
        yield server.start()
    finally:
        server.stop()


def create(url: str, name: str) -> str:
    """The URL of a new, empty database beside that of `url`, in place of one of this name."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}".encode())
        connection.execute(f"CREATE DATABASE {name}".encode())
    return url.replace("/postgres?", f"/{name}?", 1)


def create_shop(url: str, name: str) -> str:
    """The same, with the tables of a shop."""
    made = create(url, name)
    migrate(made)
    return made


def settlement(url: str) -> Settlement:
    """A settlement of its own on a shop's database, without a server around it."""
    return Settlement(
        url,
        Memory(),
        buckets=1,
        clock=system_clock,
        pgbouncer=False,
        queue_limit=2000,
        batch_limit=BATCH_LIMIT,
        seconds=30.0,
        give_up_seconds=20.0,
    )
