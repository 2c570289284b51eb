"""A database with an empty shop, made once in a run; who begins with one copies its files, in a tenth of the time.

Its server does not wait for the disk (`fsync = off`): only a machine that loses its power would
tell, and none does in a test.
"""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from fasteners import InterProcessLock

from lingdang.db.embedded import EmbeddedServer
from lingdang.db.migrate import migrate

MEMORY = Path("/dev/shm")
ROOM = 4 * 2**30

_place: Path | None = None


def keep_at(place: Path) -> None:
    """Where this run keeps it. Unless this is told, every database is made from nothing."""
    global _place
    _place = place


@contextmanager
def in_memory() -> Iterator[Path | None]:
    """A directory in memory for a database that is made and dropped for each test; None where there is no room."""
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < ROOM:
        yield None
        return
    with TemporaryDirectory(dir=MEMORY, prefix="shop-tests-", ignore_cleanup_errors=True) as directory:
        yield Path(directory)


def lay_out(data_dir: Path) -> None:
    """Give a new data directory the database of an empty shop, which is not running yet."""
    if _place is None or (data_dir / "pg").exists():
        return
    _place.mkdir(exist_ok=True)
    with InterProcessLock(_place / "making"):
        if not (_place / "made").exists():
            _make(_place / "shop")
            (_place / "made").touch()
    data_dir.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", str(_place / "shop" / "pg"), str(data_dir / "pg")], check=True)


def _make(root: Path) -> None:
    server = EmbeddedServer(root)
    url = server.start()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    migrate(url)
    server.stop()
