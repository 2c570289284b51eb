"""What the embedded database writes is handed to the disk soon, by a process that lives as long as the database."""

import ctypes
import errno
import os
import sys
import threading
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from lingdang.db.embedded import EmbeddedServer
from lingdang.db.writeback import Writeback
from support.served import eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sync_file_range(2) is Linux's")

CACHESTAT = 451
"""Its number is the same on all processors: <asm-generic/unistd.h>."""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """The directory of a database in a data directory, which is `tmp_path`."""
    directory = tmp_path / "base" / "16384"
    directory.mkdir(parents=True)
    return directory


def _dirty(path: Path) -> int:
    """How many of the file's pages only the kernel's cache has: cachestat(2)."""
    counts = (ctypes.c_uint64 * 5)()
    everything = (ctypes.c_uint64 * 2)(0, 0)
    with path.open("rb") as file:
        if ctypes.CDLL(None, use_errno=True).syscall(CACHESTAT, file.fileno(), everything, counts, 0) != 0:
            if ctypes.get_errno() == errno.ENOSYS:
                pytest.skip("cachestat(2) came with Linux 6.5")
            raise OSError(ctypes.get_errno(), "cachestat", path)
    return counts[1] + counts[2]


def _beside(pgdata: Path) -> list[psutil.Process]:
    found = psutil.process_iter(["cmdline"])
    return [p for p in found if {"lingdang.db.writeback", str(pgdata)} <= set(p.info["cmdline"] or ())]


def test_what_was_written_is_handed_over(tmp_path: Path, database: Path) -> None:
    writeback = Writeback(tmp_path)
    file = database / "2619"
    file.write_bytes(b"x" * 2**20)
    assert _dirty(file) > 0
    assert list(writeback.files()) == [str(file)]
    eventually(lambda: _dirty(file) == 0)
    assert file.read_bytes() == b"x" * 2**20


def test_a_file_is_handed_over_again_only_when_it_was_written_to(tmp_path: Path, database: Path) -> None:
    old, one, other = (database / name for name in ("0", "1", "2"))
    for file in (old, one, other):
        file.write_bytes(b"x")
    os.utime(old, ns=(0, time.time_ns() - 10**9))
    writeback = Writeback(tmp_path)
    assert set(writeback.files()) == {str(one), str(other)}
    os.utime(other, ns=(0, time.time_ns() + 1))
    assert list(writeback.files()) == [str(other)]
    assert list(writeback.files()) == []


def test_files_and_databases_may_go_at_any_time(tmp_path: Path, database: Path) -> None:
    going = threading.Event()

    def come_and_go() -> None:
        while not going.is_set():
            other = database.parent / "16385"
            other.mkdir()
            for number in range(20):
                (database / str(number)).write_bytes(b"x")
                (other / str(number)).write_bytes(b"x")
            for number in range(20):
                (database / str(number)).unlink()
                (other / str(number)).unlink()
            other.rmdir()

    thread = threading.Thread(target=come_and_go)
    thread.start()
    writeback = Writeback(tmp_path)
    try:
        assert sum(1 for _ in range(3000) for _ in writeback.files()) > 0
    finally:
        going.set()
        thread.join()


def test_it_is_there_while_the_database_is(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path)
    with psycopg.connect(server.start()) as connection:
        [beside] = _beside(tmp_path / "pg")
        postmaster = psutil.Process(connection.info.backend_pid).parent()
        assert postmaster is not None
        assert str(postmaster.pid) in beside.cmdline()
        connection.execute("CREATE TABLE written AS SELECT n FROM generate_series(1, 100000) n")
        connection.commit()
        found = connection.execute("SELECT pg_relation_filepath('written')").fetchone()
        assert found
        eventually(lambda: _dirty(tmp_path / "pg" / found[0]) == 0)
    server.stop()
    assert not beside.is_running()
    with psycopg.connect(server.start()) as connection:
        assert len(_beside(tmp_path / "pg")) == 1
        killed = psutil.Process(connection.info.backend_pid).parent()
        assert killed is not None
        killed.kill()
    eventually(lambda: not _beside(tmp_path / "pg"))
    server.stop()
