"""The real server, `lingdang serve`, as a process of its own."""

import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from lingdang.keys import Keyring
from proof.bench.load import Target

STOP_SECONDS = 30.0


class ServerError(Exception):
    """The server did not start, or did not end well. The message is what it said."""


class Server:
    """A running server: where it is, and the processes it is made of."""

    def __init__(self, process: "subprocess.Popen[str]", target: Target) -> None:
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
def serving(data_dir: Path, environ: dict[str, str], *, workers: int, tls: bool) -> Iterator[Server]:
    """A server on a free port until the block ends. Raises ServerError."""
    data_dir.mkdir(exist_ok=True)
    errors = data_dir / "stderr.txt"
    with errors.open("w") as stderr:
        process = subprocess.Popen(
            lingdang("serve", "--port=0", f"--workers={workers}", *([] if tls else ["--http"]), data_dir=data_dir),
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=clean_environ() | environ,
        )
    try:
        yield Server(process, _target(process, data_dir, errors))
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


def lingdang(*arguments: str, data_dir: Path) -> list[str]:
    """A `lingdang` command line."""
    return [sys.executable, "-m", "lingdang", *arguments, f"--data-dir={data_dir}"]


def environ_of(url: str, keyring: Keyring) -> dict[str, str]:
    """What a server that is measured is told: whose database and keys, and to log little."""
    return {
        "LINGDANG_DATABASE_URL": url,
        "LINGDANG_KEYRING_FILE": str(keyring.path),
        "LINGDANG_LOG_LEVEL": "warning",
    }


def clean_environ() -> dict[str, str]:
    """This process's environment without settings of another deployment."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LINGDANG_")}


def _target(process: "subprocess.Popen[str]", data_dir: Path, errors: Path) -> Target:
    """Where it says it is, read from its banner."""
    assert process.stdout is not None, "it was asked for"
    for line in process.stdout:
        if "://" in line:
            url = urlsplit(line.split()[-1])
            assert url.hostname is not None, "a server's address names a host"
            assert url.port is not None, "a server's address names a port"
            return Target(url.hostname, url.port, _trust(data_dir) if url.scheme == "https" else None)
    raise ServerError(f"the server did not start: {errors.read_text()}")


def _trust(data_dir: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(data_dir / "tls" / "ca.pem"))
