"""The embedded database: made whole or not at all, shared by its users, and clear about a bad disk."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from lingdang.db.embedded import EmbeddedError, EmbeddedServer
from support.served import eventually, run, serving

pytestmark = pytest.mark.slow

USE = """
import sys
from pathlib import Path
import psycopg
from lingdang.db.embedded import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]))
url = server.start()
with psycopg.connect(url, autocommit=True) as connection:
    print(connection.execute("SELECT pg_postmaster_start_time()").fetchone()[0], flush=True)
    sys.stdin.readline()
    connection.execute("SELECT 1")
server.stop()
"""


def _mount(target: Path, *options: str) -> None:
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("needs root on Linux, to mount a small or read-only disk")
    made = subprocess.run(["mount", *options, str(target)], capture_output=True, check=False, text=True)
    if made.returncode != 0:
        pytest.skip(f"this machine does not let root mount: {made.stderr.strip()}")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A directory to mount a disk on, unmounted after the test."""
    target = tmp_path / "disk"
    target.mkdir()
    yield target
    # What served from it may still be ending: the disk is busy until then.
    eventually(lambda: not target.is_mount() or subprocess.run(["umount", target], check=False).returncode == 0)


def test_it_is_durable_and_has_no_network(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path)
    with psycopg.connect(server.start()) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
            assert connection.execute(f"SHOW {name}").fetchone() == ("on",)
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)
        assert connection.execute("SHOW jit").fetchone() == ("off",)
        assert connection.execute("SHOW wal_segment_size").fetchone() == ("4MB",)
    server.stop()


def test_the_socket_lock_of_a_copied_server_is_stale(tmp_path: Path, postgres: str) -> None:
    """A backup of a running server holds that server's lock, and the server may still run where it is restored."""
    server = EmbeddedServer(tmp_path / "r")
    server.start()
    server.stop()
    with psycopg.connect(postgres) as connection:
        running = connection.execute("SHOW unix_socket_directories").fetchone()
    assert running
    held = (Path(running[0]) / ".s.PGSQL.5432.lock").read_text()
    (tmp_path / "r" / "pg" / ".s.PGSQL.5432.lock").write_text(held)
    with psycopg.connect(server.start()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    server.stop()


def test_long_and_odd_path(tmp_path: Path) -> None:
    data = tmp_path / "a b'c$d" / ("x" * 120)
    server = EmbeddedServer(data)
    url = server.start()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    server.stop()
    assert not server.is_running()


def test_two_that_start_at_once_share_one_and_the_last_stops_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", USE, str(tmp_path / "data")]
    users = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    with ThreadPoolExecutor() as threads:
        began = list(threads.map(lambda user: user.stdout.readline(), users))
    assert began[0]
    assert len(set(began)) == 1
    for user in users:
        assert (tmp_path / "data" / "pg" / "postmaster.pid").exists()
        user.communicate("\n", timeout=60)
        assert user.returncode == 0
    assert not (tmp_path / "data" / "pg" / "postmaster.pid").exists()


def test_interrupted_creation_is_begun_again(tmp_path: Path) -> None:
    (tmp_path / "pg.new").mkdir()
    (tmp_path / "pg.new" / "PG_VERSION").write_text("18\n")
    server = EmbeddedServer(tmp_path)
    server.start()
    server.stop()
    assert not (tmp_path / "pg.new").exists()


def test_directory_without_a_database_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pg").mkdir()
    (tmp_path / "pg" / "mine.txt").write_text("mine")
    with pytest.raises(EmbeddedError, match="holds no database"):
        EmbeddedServer(tmp_path).start()
    assert (tmp_path / "pg" / "mine.txt").read_text() == "mine"


def test_other_major_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pg").mkdir()
    (tmp_path / "pg" / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedError, match="made by PostgreSQL 16"):
        EmbeddedServer(tmp_path).start()
    assert [path.name for path in (tmp_path / "pg").iterdir()] == ["PG_VERSION"]


def test_full_disk_is_refused_before_anything_is_made(disk: Path) -> None:
    _mount(disk, "-t", "tmpfs", "-o", "size=16m", "tmpfs")
    answer = run(disk / "shop", "migrate")
    assert answer.returncode == 1
    assert "is full" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not (disk / "shop" / "pg").exists()


def test_disk_that_fills_up_while_serving_loses_nothing(disk: Path) -> None:
    _mount(disk, "-t", "tmpfs", "-o", "size=400m", "tmpfs")
    shop = disk / "shop"
    filler = disk / "filler"
    with serving(shop, "--http") as served, served.client() as client:
        url = served.database_url()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
            _fill(filler)
            with pytest.raises(psycopg.Error):
                connection.execute(
                    "CREATE TABLE lost AS SELECT repeat(md5(i::text), 40) FROM generate_series(1, 400000) i"
                )
        assert client.get("/healthz").status_code == 200
        assert served.process.poll() is None
        filler.unlink()
    with serving(shop, "--http"), psycopg.connect(url) as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)
        assert connection.execute("SELECT to_regclass('lost')").fetchone() == (None,)


def test_start_on_a_disk_that_is_full_damages_nothing(disk: Path) -> None:
    _mount(disk, "-t", "tmpfs", "-o", "size=400m", "tmpfs")
    shop = disk / "shop"
    assert run(shop, "migrate").returncode == 0
    filler = disk / "filler"
    _fill(filler)
    answer = run(shop, "serve", "--port", "0")
    assert answer.returncode == 1
    assert "full" in answer.stderr or "No space left" in answer.stderr
    assert "Traceback" not in answer.stderr
    filler.unlink()
    assert "already" in run(shop, "migrate").stdout


def test_read_only_disk(disk: Path, tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    assert run(origin / "shop", "migrate").returncode == 0
    _mount(disk, "--bind", str(origin))
    _mount(disk, "-o", "remount,ro,bind")
    for name in ("shop", "new"):
        answer = run(disk / name, "serve", "--port", "0")
        assert answer.returncode == 1
        assert "Read-only file system" in answer.stderr
        assert "Traceback" not in answer.stderr


def _fill(path: Path) -> None:
    """Use up the disk's last byte."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 65536)
        except OSError:
            pass
