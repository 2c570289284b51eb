"""`lingdang serve` as a process of its own, on a port that stays when it is started again."""

import asyncio
import socket
import ssl
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

import psutil

from proof.faults.cluster import Cluster
from proof.server import Process, ServerError, errors_of, reap, start, trust


class Server:
    """One deployment: where it is, and the processes it is made of. Its database is the embedded one or `cluster`.

    `open_files`: how many its processes may have open at most; None leaves the limit as it is. `environ` has settings.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        workers: int,
        tls: bool,
        cluster: Cluster | None = None,
        open_files: int | None = None,
        environ: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.data_dir = data_dir
        self.cluster = cluster
        self._workers = workers
        self._tls = tls
        self._open_files = open_files
        self._environ = {**environ, **({"LINGDANG_DATABASE_URL": cluster.url} if cluster else {})}
        self._process: Process | None = None
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port: int = free.getsockname()[1]

    @property
    def url(self) -> str:
        """Where it is, before and after every restart."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}"

    def trust(self) -> ssl.SSLContext | None:
        """What its clients trust; None over plain HTTP."""
        return trust(self.data_dir) if self._tls else None

    async def start(self) -> None:
        """Start it and wait until it says that it serves. Raises ServerError."""
        await asyncio.to_thread(self._start)

    async def stop(self) -> None:
        """Stop it in order."""
        await asyncio.to_thread(self._stop)

    @property
    def process(self) -> psutil.Process:
        """The supervisor."""
        assert self._process is not None, "it was started"
        return psutil.Process(self._process.pid)

    def workers(self) -> list[psutil.Process]:
        """The worker processes, those that start included, and that of the background tasks."""
        return [child for child in self.process.children() if "spawn_main" in " ".join(_cmdline(child))]

    def background(self) -> list[psutil.Process]:
        """The process of the background tasks, which gives way to the workers; none while it is started."""
        own = self.process.nice()
        return [process for process in self.workers() if process.nice() > own]

    def postmaster(self) -> psutil.Process:
        """The embedded database's first process."""
        return postmaster(self.data_dir / "pg")

    def database_url(self) -> str:
        """Where the embedded database is."""
        directory = (self.data_dir / "pg" / "postmaster.pid").read_text().splitlines()[4]
        return f"postgresql://postgres@/postgres?host={quote(directory, safe='/')}"

    def log(self) -> str:
        """What it wrote to standard error since its last start."""
        return errors_of(self.data_dir).read_text(encoding="utf-8", errors="replace")

    def reap(self) -> None:
        """Forget the process after it was killed."""
        assert self._process is not None, "it was started"
        reap(self._process)
        self._process = None

    def _start(self) -> None:
        options = [f"--port={self._port}", f"--workers={self._workers}", *([] if self._tls else ["--http"])]
        self._process, _ = start(self.data_dir, self._environ, *options, open_files=self._open_files)

    def _stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self.reap()


def postmaster(pgdata: Path) -> psutil.Process:
    """The first process of the PostgreSQL on `pgdata`. Raises ServerError when there is none within a minute."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            return psutil.Process(int((pgdata / "postmaster.pid").read_text().splitlines()[0]))
        except (OSError, ValueError, IndexError, psutil.NoSuchProcess):
            time.sleep(0.05)
    raise ServerError("no database runs")


def backends(first: psutil.Process) -> list[psutil.Process]:
    """The processes that serve the shop's connections. Where titles are not shown, every child is one."""
    children = first.children()
    serving = [child for child in children if any(mark in " ".join(_cmdline(child)) for mark in _CLIENT_MARKS)]
    return serving or (children if sys.platform == "win32" else [])


_CLIENT_MARKS = ("[local]", "127.0.0.1(")


def _cmdline(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []
