"""PostgreSQL's own benchmark, on a database of its own beside the shop's."""

import re
import resource
import subprocess
from pathlib import Path
from typing import NamedTuple

_TPS = re.compile(r"^tps = ([0-9.]+) \(without initial connection time\)", re.MULTILINE)
_LATENCY = re.compile(r"^latency average = ([0-9.]+) ms", re.MULTILINE)
_COUNT = re.compile(r"^number of transactions actually processed: (\d+)", re.MULTILINE)


class PgbenchError(Exception):
    """pgbench failed; the message is what it said."""


class Tpcb(NamedTuple):
    """One run of the built-in TPC-B script. `rate` is a second, `cpu_seconds` the client's."""

    transactions: int
    rate: float
    mean_ms: float
    cpu_seconds: float


class Pgbench:
    """The program beside the server's own."""

    def __init__(self, program: Path, url: str) -> None:
        self._program = program
        self._url = url

    def fill(self, scale: int) -> None:
        """Make its tables: `scale` branches, 100,000 accounts for each."""
        self._run("--initialize", f"--scale={scale}", "--quiet")

    def run(self, clients: int, seconds: float, threads: int) -> Tpcb:
        """TPC-B with prepared statements. Raises PgbenchError."""
        before = _children_cpu()
        out = self._run(
            "--protocol=prepared",
            f"--client={clients}",
            f"--jobs={min(clients, threads)}",
            f"--time={max(1, round(seconds))}",
        )
        return parse(out, _children_cpu() - before)

    def _run(self, *options: str) -> str:
        command = [str(self._program), *options, self._url]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise PgbenchError(done.stderr.strip())
        return done.stdout


def parse(output: str, cpu_seconds: float = 0.0) -> Tpcb:
    """The figures in what pgbench printed. Raises PgbenchError when one is missing."""
    tps, latency, count = _TPS.search(output), _LATENCY.search(output), _COUNT.search(output)
    if not (tps and latency and count):
        raise PgbenchError(f"not the output of a run: {output}")
    return Tpcb(int(count[1]), float(tps[1]), float(latency[1]), cpu_seconds)


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
