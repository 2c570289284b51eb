"""`lingdang serve` as a process of its own, and the processes that belong to it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import psutil

from support.ready import lay_out
from support.shop import PATIENCE

COMMAND = (sys.executable, "-m", "lingdang")


def run(data_dir: Path, *args: str, descriptors: int | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
    """A `lingdang` command, to its end; `descriptors`: how many files it may open."""
    command = [*_command(descriptors), *args, "--data-dir", str(data_dir)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=5 * PATIENCE, check=False, env=environ_of(environ)
    )


def start(data_dir: Path, *args: str, **environ: str) -> "subprocess.Popen[bytes]":
    """A `lingdang` command that goes on by itself."""
    command = [*COMMAND, *args, "--data-dir", str(data_dir)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environ_of(environ))


def _command(descriptors: int | None, program: tuple[str, ...] = COMMAND) -> tuple[str, ...]:
    """The command, or it below a shell that has given up further descriptors for good."""
    return program if descriptors is None else ("sh", "-c", f'ulimit -n {descriptors}; exec "$@"', "sh", *program)


class Served:
    """A server that was started; `url` is where it said it is."""

    def __init__(self, process: "subprocess.Popen[str]", data_dir: Path, errors: Path) -> None:
        self.process = process
        self.data_dir = data_dir
        self._errors = errors
        self.banner: list[str] = []
        self.url = ""

    def await_banner(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.banner.append(line.rstrip())
            if line.startswith("  stop"):
                break
        found = re.search(r"https?://[^\s/]+", " ".join(self.banner))
        assert found, f"no banner, but: {self.banner} {self.errors()}"
        self.url = found[0]

    def client(self) -> httpx.Client:
        import ssl

        authority = self.data_dir / "tls" / "ca.pem"
        verify = ssl.create_default_context(cafile=str(authority)) if authority.exists() else False
        return httpx.Client(base_url=self.url, verify=verify, timeout=PATIENCE)

    def figure(self, series: str) -> float:
        """What its metrics say of a series, by its name with its labels."""
        with self.client() as client:
            lines = client.get("/metrics").text.splitlines()
        [value] = [line.removeprefix(f"{series} ") for line in lines if line.startswith(f"{series} ")]
        return float(value)

    def errors(self) -> str:
        """What it wrote to standard error."""
        return self._errors.read_text(encoding="utf-8", errors="replace")

    def workers(self) -> list[psutil.Process]:
        """Those that answer requests; the process of the background tasks gives way to them."""
        own = psutil.Process(self.process.pid).nice()
        return [p for p in self._started() if p.nice() == own]

    def background_pid(self) -> int | None:
        """The process of the background tasks, if there is one."""
        own = psutil.Process(self.process.pid).nice()
        return next((p.pid for p in self._started() if p.nice() > own), None)

    def background(self) -> psutil.Process:
        """The same, which is there."""
        pid = self.background_pid()
        assert pid is not None, "it runs"
        return psutil.Process(pid)

    def _started(self) -> list[psutil.Process]:
        return [p for p in _children(self.process.pid) if "spawn_main" in " ".join(_cmdline(p))]

    def postmaster(self) -> psutil.Process:
        pid = int((self.data_dir / "pg" / "postmaster.pid").read_text().splitlines()[0])
        return psutil.Process(pid)

    def database_url(self) -> str:
        """Its embedded database; where the data directory's path is too long for a socket, the socket is elsewhere."""
        socket_directory = (self.data_dir / "pg" / "postmaster.pid").read_text().splitlines()[4]
        return f"postgresql://postgres@/postgres?host={socket_directory}"

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextmanager
def serving(
    data_dir: Path,
    *args: str,
    descriptors: int | None = None,
    fresh: bool = False,
    program: tuple[str, ...] = COMMAND,
    **environ: str,
) -> Iterator[Served]:
    """A server on a free port until the block ends; whatever it leaves behind is stopped.

    `fresh`: it makes its database itself, as at somebody's first start. `program`: another `lingdang` than this one.
    """
    data_dir.mkdir(exist_ok=True)
    if not (fresh or "database_url" in environ):
        lay_out(data_dir)
    with _announced(data_dir, [*_command(descriptors, program), "serve", "--port", "0", *args], environ) as served:
        yield served


@contextmanager
def working(data_dir: Path, *args: str, **environ: str) -> Iterator[Served]:
    """A `lingdang worker` that tells on a free port how it does, likewise."""
    with _announced(data_dir, [*COMMAND, "worker", "--port", "0", *args], environ) as served:
        yield served


@contextmanager
def _announced(data_dir: Path, command: list[str], environ: dict[str, str]) -> Iterator[Served]:
    errors = data_dir / f"stderr-{uuid4()}.txt"
    with errors.open("w") as file:
        process = subprocess.Popen(
            [*command, "--data-dir", str(data_dir)],
            stdout=subprocess.PIPE,
            stderr=file,
            text=True,
            env=environ_of(environ),
        )
    served = Served(process, data_dir, errors)
    try:
        served.await_banner()
        yield served
    finally:
        if process.poll() is None:
            served.stop()
        assert process.stdout is not None
        process.stdout.close()


def stop_leftover(data_dir: Path) -> None:
    """Stop a database whose server was killed, as the next start would."""
    assert run(data_dir, "migrate").returncode == 0


def eventually(told: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait until `told` is true."""
    end = time.monotonic() + seconds
    while not told():
        assert time.monotonic() < end, "it did not become true in time"
        time.sleep(0.05)


def is_well(client: httpx.Client) -> bool:
    """Whether the server and its database answer."""
    try:
        return client.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


def _children(pid: int) -> list[psutil.Process]:
    return list(psutil.Process(pid).children(recursive=True))


def _cmdline(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.NoSuchProcess:
        return []


def environ_of(more: dict[str, str]) -> dict[str, str]:
    """The environment of a command with these settings, and no others."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LINGDANG_")}
    return clean | {"LINGDANG_" + name.upper(): value for name, value in more.items()}
