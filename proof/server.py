"""The real server, `lingdang serve`, as a process of its own."""

import os
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import psutil

from proof.shop import Shop

STOP_SECONDS = 30.0

Process = subprocess.Popen[str]


class ServerError(Exception):
    """The server did not start, or did not end well. The message is what it said."""


class Target(NamedTuple):
    """Where requests go; without `tls` they go over plain HTTP."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None


class Server:
    """A running server: where it is, and the processes it is made of."""

    def __init__(self, process: Process, url: str, target: Target) -> None:
        self.url = url
        self.target = target
        self.process = psutil.Process(process.pid)

    def cpu_seconds(self) -> float:
        """CPU time of the supervisor and its workers so far."""
        return family_cpu_seconds(self.process)


def family_cpu_seconds(process: psutil.Process) -> float:
    """CPU time of a process and of all that it has started, so far.

    Read again while one of them ends: between two looks it would be counted nowhere, or twice.
    """
    while True:
        ended = _of_ended(process)
        seconds = sum(map(_cpu_seconds, (process, *process.children(recursive=True))))
        if _of_ended(process) == ended:
            return seconds


def _of_ended(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.children_user + times.children_system)


def _cpu_seconds(process: psutil.Process) -> float:
    """User and system time of one process, and of its children that have ended."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


@contextmanager
def serving(
    data_dir: Path, environ: Mapping[str, str], *, workers: int, tls: bool, demo: bool = False
) -> Iterator[Server]:
    """A server on a free port until the block ends. Raises ServerError."""
    data_dir.mkdir(exist_ok=True)
    options = [f"--workers={workers}", *([] if tls else ["--http"]), *(["--demo"] if demo else [])]
    process, url = start(data_dir, environ, "--port=0", *options)
    try:
        parts = urlsplit(url)
        assert parts.hostname is not None, "a server's address names a host"
        assert parts.port is not None, "a server's address names a port"
        yield Server(process, url, Target(parts.hostname, parts.port, trust(data_dir) if tls else None))
    finally:
        stop(process)


def start(
    data_dir: Path, environ: Mapping[str, str], *options: str, open_files: int | None = None
) -> tuple[Process, str]:
    """Start a server and wait until it says that it serves: its first process, and where it is. Raises ServerError.

    `open_files`: how many its processes may have open at most; None leaves the limit as it is.
    """
    with errors_of(data_dir).open("w") as stderr:
        process = subprocess.Popen(
            _limited(lingdang("serve", *options, data_dir=data_dir), open_files),
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env={**clean_environ(), **environ},
        )
    assert process.stdout is not None, "it was asked for"
    url = ""
    for line in process.stdout:
        url = url or (line.split()[-1] if "://" in line else "")
        if line.startswith("  stop"):
            return process, url
    stop(process)
    raise ServerError(f"the server did not start: {errors_of(data_dir).read_text()[-2000:]}")


def stop(process: Process) -> None:
    """Stop it in order."""
    process.terminate()
    reap(process)


def reap(process: Process) -> None:
    """Wait for its end, whoever ended it."""
    process.wait(STOP_SECONDS)
    assert process.stdout is not None, "it was asked for"
    process.stdout.close()


def errors_of(data_dir: Path) -> Path:
    """What the server there wrote to standard error since its last start."""
    return data_dir / "stderr.txt"


def trust(data_dir: Path) -> ssl.SSLContext:
    """What clients of the server there trust."""
    return ssl.create_default_context(cafile=str(data_dir / "tls" / "ca.pem"))


def lingdang(*arguments: str, data_dir: Path) -> list[str]:
    """A `lingdang` command line."""
    return [sys.executable, "-m", "lingdang", *arguments, f"--data-dir={data_dir}"]


def environ_of(shop: Shop) -> dict[str, str]:
    """What a server that is measured is told: whose database and keys, and to log little."""
    return {
        "LINGDANG_DATABASE_URL": shop.url,
        "LINGDANG_KEYRING_FILE": str(shop.keyring.path),
        "LINGDANG_LOG_LEVEL": "warning",
    }


def clean_environ() -> dict[str, str]:
    """This process's environment without settings of another deployment."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LINGDANG_")}


def _limited(command: list[str], open_files: int | None) -> list[str]:
    """The command with a limit on open files."""
    return command if open_files is None else ["sh", "-c", f'ulimit -n {open_files} && exec "$@"', "sh", *command]
