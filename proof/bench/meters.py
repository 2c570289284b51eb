"""What a window of the benchmark costs: WAL, batches, and CPU time by class of process."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec
import psutil
import psycopg

from proof.bench import load
from proof.server import Server, family_cpu_seconds

PUBLISHED_SECONDS = 1.6
"""Each worker publishes its counts once a second."""

T = TypeVar("T")

_BATCH = re.compile(
    r'^lingdang_batch_size_(bucket|sum|count)\{lane="settlement"(?:,le="([^"]+)")?\} (\S+)$', re.MULTILINE
)
_EXECUTED = re.compile(rb" LOG:  (?:execute [^:]*|statement): (\w*)")


class Batches(msgspec.Struct, frozen=True):
    """Settled batches: how many, the commands in them, and the cumulative counts by upper bound of their size."""

    count: float = 0.0
    commands: float = 0.0
    up_to: dict[str, float] = {}

    def since(self, earlier: "Batches") -> "Batches":
        up_to = {bound: n - earlier.up_to.get(bound, 0.0) for bound, n in self.up_to.items()}
        return Batches(self.count - earlier.count, self.commands - earlier.commands, up_to)

    def __add__(self, other: "Batches") -> "Batches":
        bounds = self.up_to | other.up_to
        up_to = {bound: self.up_to.get(bound, 0.0) + other.up_to.get(bound, 0.0) for bound in bounds}
        return Batches(self.count + other.count, self.commands + other.commands, up_to)


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes of WAL, seconds of CPU and settled batches of one window."""

    seconds: float
    wal_bytes: int
    server_cpu: float
    postgres_cpu: float
    machine_cpu: float
    """That of every process of the machine."""
    batches: Batches

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            seconds=self.seconds + other.seconds,
            wal_bytes=self.wal_bytes + other.wal_bytes,
            server_cpu=self.server_cpu + other.server_cpu,
            postgres_cpu=self.postgres_cpu + other.postgres_cpu,
            machine_cpu=self.machine_cpu + other.machine_cpu,
            batches=self.batches + other.batches,
        )


class Meters:
    """Reads the meters around a window, in `quiet`. `connection` is on the shop's database."""

    def __init__(
        self,
        connection: "psycopg.Connection[tuple[object, ...]]",
        quiet: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._connection = connection
        self.quiet = quiet
        backend = psutil.Process(connection.info.backend_pid)
        postmaster = backend.parent()
        assert postmaster is not None, "a backend is a child of the server's first process"
        self.postmaster = postmaster

    def value(self, query: str) -> str:
        """The one value that a query answers."""
        row = self._connection.execute(query.encode()).fetchone()
        assert row is not None, "the query answers one row"
        return str(row[0])

    @contextmanager
    def window(self, server: Server | None) -> Iterator[list[Cost]]:
        """Measure the block; the list has its cost afterwards."""
        batches = _batches(server)
        cost: list[Cost] = []
        with self.quiet():
            before = self._read(server)
            yield cost
            after = self._read(server)
        if server is not None:
            time.sleep(PUBLISHED_SECONDS)
        cost.append(_cost(before, after, _batches(server).since(batches)))

    def each(self, server: Server, parts: Sequence[Callable[[], T]]) -> list[tuple[T, Cost]]:
        """What each part answers and costs, one right after the other.

        Batches of the last second of a part that a worker has not published at its end are counted as the next part's.
        """
        ran: list[tuple[T, _Reading, _Reading]] = []
        batches: list[Batches] = []
        with self.quiet():
            for part in parts:
                batches.append(_batches(server))
                before = self._read(server)
                ran.append((part(), before, self._read(server)))
        time.sleep(PUBLISHED_SECONDS)
        batches.append(_batches(server))
        return [
            (answer, _cost(before, after, later.since(earlier)))
            for (answer, before, after), (earlier, later) in zip(ran, pairwise(batches), strict=True)
        ]

    @contextmanager
    def statement_log(self) -> Iterator[list[bytes]]:
        """Have the server log every statement of the block; the list has the first word of each afterwards."""
        log = Path(self.value("SHOW data_directory")) / self.value("SELECT pg_current_logfile()")
        self._log_statements("all")
        start = log.stat().st_size
        words: list[bytes] = []
        try:
            yield words
        finally:
            time.sleep(0.5)  # the collector writes it
            with log.open("rb") as file:
                file.seek(start)
                words.extend(found[1].upper() for found in _EXECUTED.finditer(file.read()))
            self._log_statements("none")

    def _log_statements(self, which: str) -> None:
        self._connection.execute(f"ALTER SYSTEM SET log_statement = '{which}'".encode())
        self._connection.execute("ALTER SYSTEM SET log_parameter_max_length = 0")
        self._connection.execute("SELECT pg_reload_conf()")
        time.sleep(0.2)

    def _read(self, server: Server | None) -> "_Reading":
        return _Reading(
            time.perf_counter(),
            int(self.value("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint")),
            server.cpu_seconds() if server else 0.0,
            family_cpu_seconds(self.postmaster),
            _machine_cpu(),
        )


class _Reading(NamedTuple):
    """The meters at one moment; CPU in seconds."""

    moment: float
    wal: int
    server: float
    postgres: float
    machine: float


def _cost(before: _Reading, after: _Reading, batches: Batches) -> Cost:
    return Cost(
        seconds=after.moment - before.moment,
        wal_bytes=after.wal - before.wal,
        server_cpu=after.server - before.server,
        postgres_cpu=after.postgres - before.postgres,
        machine_cpu=after.machine - before.machine,
        batches=batches,
    )


def _machine_cpu() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.system + times.nice + getattr(times, "softirq", 0.0) + getattr(times, "irq", 0.0))


def _batches(server: Server | None) -> Batches:
    """The settlement's batches so far, from GET /metrics."""
    if server is None:
        return Batches()
    pages: list[bytes] = []
    load.run(server.target, [_scrape(pages)], 10)
    return parse_batches(pages[0].decode())


def _scrape(pages: list[bytes]) -> load.Flow:
    answer = yield b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    pages.append(answer.body)


def parse_batches(text: str) -> Batches:
    """The settlement's batches in a page of metrics; none before the first."""
    single: dict[str, float] = {}
    up_to: dict[str, float] = {}
    for kind, bound, value in _BATCH.findall(text):
        if kind == "bucket":
            up_to[bound] = float(value)
        else:
            single[kind] = float(value)
    return Batches(single.get("count", 0.0), single.get("sum", 0.0), up_to)
