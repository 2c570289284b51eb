"""Metrics: counted in plain dictionaries, added up over the workers when they are asked for.

Each worker publishes its counts to a file in `directory` once a second; a scrape, answered by any worker, adds the
files up, and says how many it could not read. Why the library's own shared files are not used: decision 26.
"""

import os
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import psutil
import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from lingdang import __version__

_log = structlog.get_logger(__name__)

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

Labels = tuple[str, ...]
Row = list[float]
"""Counts by bucket, the last bucket without an upper bound, then the sum of what was observed."""


class Snapshot(msgspec.Struct, array_like=True):
    """One worker's counts, as published. Keys are the labels' values."""

    worker: int
    pid: int
    published: int
    """In nanoseconds of the clock; 0 before the first time."""
    requests: dict[Labels, Row]
    payments: dict[str, float]
    batch_sizes: dict[str, Row]
    batch_seconds: dict[str, Row]
    database_seconds: dict[str, Row]
    gauges: dict[Labels, float]


class Gauge(msgspec.Struct, frozen=True):
    """A value read when it is asked for. `label` tells two of the same name apart."""

    name: str
    label: str
    read: Callable[[], float]


_LAG = "lingdang_background_lag_seconds"

GAUGES: Mapping[str, tuple[str, str]] = {
    "lingdang_queue_length": ("Commands that wait.", "lane"),
    "lingdang_pool_size": ("Connections that a purpose's pool has open.", "purpose"),
    "lingdang_pool_available": ("Connections of a purpose's pool that nobody uses.", "purpose"),
    "lingdang_pool_waiting": ("Calls that wait for a connection of a purpose's pool.", "purpose"),
    "lingdang_http_requests_by_way_total": ("Requests by the way to their handler.", "way"),
    _LAG: ("Time since a background task last saw its work done.", "task"),
    "lingdang_journal_sealed_transfers_total": ("Transfers that a worker has sealed.", "worker"),
    "lingdang_expired_wallets_total": ("Wallets whose lapsed bells a worker has booked out.", "worker"),
    "lingdang_overdue": ("What stands in a state past its deadline and its healers; must be 0.", "state"),
    "lingdang_webhook_accepted_total": ("Webhook messages that were accepted.", "worker"),
    "lingdang_webhook_refused_total": ("Webhook messages that were answered with another status than 2xx.", "worker"),
    "lingdang_webhook_unanswered_total": ("Webhook messages that got no answer.", "worker"),
    "lingdang_webhook_endpoints": ("Endpoints that a worker sends for.", "worker"),
    "lingdang_webhook_endpoints_failing": ("Of these, endpoints where everything fails.", "worker"),
    "lingdang_topups_in_review": ("Top-ups that an operator has to decide about.", ""),
    "lingdang_topup_asked_total": ("Times that a worker asked a provider how a payment stands.", "worker"),
    "lingdang_topup_forged_total": ("Notifications that a worker refused as forged.", "worker"),
    "lingdang_topup_differing_total": ("Top-ups that were not as a provider's daily list has them.", "worker"),
    "lingdang_journal_rolled_back": ("1 while the journal lacks what the witness has.", "worker"),
    "lingdang_connections": ("Open connections: of customers, of strangers, of those turned away.", "state"),
    "lingdang_process_cpu_seconds_total": ("CPU time that a worker used.", "worker"),
    "lingdang_process_resident_memory_bytes": ("Memory that a worker uses.", "worker"),
}
"""By name, with the meaning and the label; without one it is one number of all workers. What only rises is a counter,
and called `…_total`. A `worker` is its number, from 1: whoever takes a crashed one's place has the same, and counts
from 0."""

_OF_THE_DATABASE = frozenset({"lingdang_overdue", "lingdang_topups_in_review"})

_PARTED = frozenset({"webhooks"})
"""Background tasks of which each worker does a part that is nobody else's."""


def _together(name: str, label: str) -> Callable[[Iterable[float]], float]:
    """How what the workers tell of a gauge becomes one number.

    Of the one database, at which every worker looks, nothing is added up: what one has seen done is done.
    """
    if name == _LAG:
        return max if label in _PARTED else min
    return max if name in _OF_THE_DATABASE else sum


class Metrics:
    """One worker's counts. Without a directory they are its own alone. Number 0 is no worker that answers requests."""

    def __init__(self, directory: Path | None = None, worker: int = 0) -> None:
        self._directory = directory
        self._file = None if directory is None else directory / f"{worker}-{os.getpid()}"
        self._gauges: list[Gauge] = []
        self._counts = Snapshot(worker, os.getpid(), 0, {}, {}, {}, {}, {}, {})
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(Snapshot).decode

    def observe_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request that was answered; `route` is its path's template."""
        rows = self._counts.requests
        key = (method, route, str(status))
        row = rows.get(key)
        if row is None:
            # A client chooses the method: what is no method of HTTP must not make a new series.
            key = (method if method in _METHODS else "-", route, str(status))
            row = rows.setdefault(key, [0.0] * (len(SECONDS) + 2))
        row[bisect_left(SECONDS, seconds)] += 1
        row[-1] += seconds

    def payment(self, result: str) -> None:
        """A payment's end: `paid`, `replay` or the code of its refusal."""
        self._counts.payments[result] = self._counts.payments.get(result, 0.0) + 1

    def batch(self, lane: str, size: int, seconds: float) -> None:
        """A batch that was run."""
        _observe(self._counts.batch_sizes, lane, SIZES, size)
        _observe(self._counts.batch_seconds, lane, SECONDS, seconds)

    def database(self, lane: str, seconds: float) -> None:
        """Time that the database took."""
        _observe(self._counts.database_seconds, lane, SECONDS, seconds)

    def gauge(self, name: str, label: str, read: Callable[[], float]) -> None:
        """Ask `read` at each scrape for the value of one of GAUGES, be it a counter's."""
        assert name in GAUGES, "a gauge is described before it is read"
        self._gauges.append(Gauge(name, label, read))

    def publish(self) -> None:
        """Write this worker's counts where the other workers find them."""
        if self._file is not None:
            temporary = self._file.with_suffix(".new")
            temporary.write_bytes(self._encode(self._now()))
            temporary.replace(self._file)

    def render(self) -> bytes:
        """All workers' counts in the text format of Prometheus."""
        registry = CollectorRegistry()
        others = list(self._others())
        read = [snapshot for snapshot in others if snapshot is not None]
        registry.register(_Everything([self._now(), *read], len(others) - len(read)))
        return generate_latest(registry)

    def _now(self) -> Snapshot:
        # What is read may be a count or a truth, which no other worker's decoder would take for a float.
        gauges = {(gauge.name, gauge.label): float(gauge.read()) for gauge in self._gauges}
        return msgspec.structs.replace(self._counts, published=time.time_ns(), gauges=gauges)

    def _others(self) -> Iterator[Snapshot | None]:
        """The other workers' counts, of which None could not be read."""
        if self._directory is None:
            return
        for path in self._directory.iterdir():
            if path != self._file and path.suffix != ".new":
                try:
                    yield self._decode(path.read_bytes())
                except FileNotFoundError:
                    pass  # its worker was replaced this moment
                except (OSError, msgspec.MsgspecError) as error:
                    _log.warning("metrics_not_read", file=path.name, reason=str(error))
                    yield None


def measure_process(metrics: Metrics, worker: str) -> None:
    """Have what this process uses of the machine read."""
    process = psutil.Process()
    metrics.gauge("lingdang_process_cpu_seconds_total", worker, lambda: sum(process.cpu_times()[:2]))
    metrics.gauge("lingdang_process_resident_memory_bytes", worker, lambda: process.memory_info().rss)


def _observe(rows: dict[str, Row], key: str, bounds: Sequence[float], value: float) -> None:
    row = rows.get(key)
    if row is None:
        row = rows[key] = [0.0] * (len(bounds) + 2)
    row[bisect_left(bounds, value)] += 1
    row[-1] += value


class _Everything(Collector):
    """The sums over all snapshots as metric families."""

    def __init__(self, snapshots: list[Snapshot], unread: int) -> None:
        self._snapshots = snapshots
        self._unread = unread

    def collect(self) -> Iterable[Metric]:
        requests = _sum_rows(s.requests for s in self._snapshots)
        counter = CounterMetricFamily(
            "lingdang_http_requests", "Requests answered.", labels=("method", "route", "status")
        )
        for labels, row in requests.items():
            counter.add_metric(labels, sum(row[:-1]))
        yield counter
        by_route = _sum_rows({labels[:2]: row} for labels, row in requests.items())
        yield _histogram(
            "lingdang_http_request_duration_seconds", "Time to answer.", ("method", "route"), SECONDS, by_route
        )
        payments = CounterMetricFamily("lingdang_payments", "Payments by result.", labels=("result",))
        for result in sorted({result for s in self._snapshots for result in s.payments}):
            payments.add_metric((result,), sum(s.payments.get(result, 0.0) for s in self._snapshots))
        yield payments
        yield self._lanes("lingdang_batch_size", "Calls in a batch.", SIZES, "batch_sizes")
        yield self._lanes("lingdang_batch_duration_seconds", "Time of a batch.", SECONDS, "batch_seconds")
        yield self._lanes("lingdang_database_duration_seconds", "Time the database took.", SECONDS, "database_seconds")
        yield from self._gauges()
        yield GaugeMetricFamily("lingdang_workers", "Workers that count.", sum(s.worker > 0 for s in self._living()))
        unread = "Workers whose counts could not be read, so that the sums lack them; must be 0."
        yield GaugeMetricFamily("lingdang_metrics_unread", unread, self._unread)
        info = GaugeMetricFamily("lingdang_build_info", "This server.", labels=("version",))
        info.add_metric((__version__,), 1)
        yield info

    def _lanes(self, name: str, text: str, bounds: Sequence[float], field: str) -> HistogramMetricFamily:
        rows = _sum_rows({(lane,): row for lane, row in getattr(s, field).items()} for s in self._snapshots)
        return _histogram(name, text, ("lane",), bounds, rows)

    def _gauges(self) -> Iterator[Metric]:
        living = self._living()
        for name, (text, label) in GAUGES.items():
            kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            family = kind(name, text, labels=(label,) if label else ())
            told: dict[str, list[float]] = {}
            for snapshot in living:
                for (metric, value), number in snapshot.gauges.items():
                    if metric == name:
                        told.setdefault(value if label else "", []).append(number)
            for value, numbers in sorted(told.items()):
                family.add_metric((value,) if label else (), _together(name, value)(numbers))
            yield family

    def _living(self) -> list[Snapshot]:
        """The snapshots of workers that still run; those of ended ones count on, but have no present state.

        Whoever has a successor has ended, though another process may have its number by now.
        """
        newest = {s.worker: s for s in sorted(self._snapshots, key=lambda s: s.published)}
        return [s for s in newest.values() if psutil.pid_exists(s.pid)]


def _histogram(
    name: str, text: str, labels: Sequence[str], bounds: Sequence[float], rows: dict[Labels, Row]
) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, text, labels=labels)
    for values, row in rows.items():
        below = 0.0
        buckets: list[tuple[str, float]] = []
        for bound, count in zip((*map(str, bounds), "+Inf"), row, strict=False):
            below += count
            buckets.append((bound, below))
        family.add_metric(values, buckets, row[-1])
    return family


def _sum_rows(groups: Iterable[Mapping[Labels, Row]]) -> dict[Labels, Row]:
    total: dict[Labels, Row] = {}
    for group in groups:
        for labels, row in group.items():
            known = total.get(labels)
            total[labels] = list(row) if known is None else [a + b for a, b in zip(known, row, strict=True)]
    return total


def empty_directory(directory: Path) -> None:
    """Forget the counts of an earlier start."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in directory.iterdir():
        path.unlink(missing_ok=True)
