"""`python -m proof.bench.delivering`: payments with three endpoints of webhooks beside payments without, in turns.

One shop is served all the time, because two of the same version differ by some hundredths for as long as they run. In
a turn its endpoints are paused and then active, or the other way round; each time it is paid as fast as it can be, then
at half of that pace. The next window begins when all that was paid has arrived, or, while they are paused, at once.
Endpoints take batches of a hundred: so many events cannot be taken one by one on the same machine. The background tasks
run beside the workers, or apart in `nice lingdang worker`.
"""

import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import click
import httpx
import psycopg
from rich.console import Console
from rich.progress import track

from proof.bench import requests
from proof.bench.awake import Awake
from proof.bench.hooked import Arrivals, hooked
from proof.bench.load import percentile, prepared, run
from proof.bench.paced import run_paced
from proof.bench.reading import Answered
from proof.bench.report import machine
from proof.bench.version_served import Version, api_key, version_served
from proof.bench.versions import CONNECTIONS, PATIENCE, Side
from proof.server import Target, clean_environ, lingdang

ENDPOINTS = 3
BATCH = 100
ROUNDS = 40
"""So often each customer pays in a window."""
DRAIN_SECONDS = 300.0


class Window(NamedTuple):
    """Payments of one window: how many a second, their latencies in seconds, sorted, and bytes of WAL for each."""

    rate: float
    latencies: list[float]
    wal: float


PAUSE_SECONDS = 2.0
"""After endpoints were paused or made active: a courier looks once a second."""


class Turn(NamedTuple):
    """What the shop did with its endpoints active or paused, and the seconds from answers to arrivals at half load."""

    full: Window
    half: Window
    delays: list[float]
    drained: float
    """Seconds until all had arrived that was paid at full load."""


class Shop:
    """A served shop, whose events go to these receivers. `operator` asks it with a key for webhooks; `awake` keeps the
    machine at work between windows."""

    def __init__(
        self,
        version: Version,
        database_url: str,
        receivers: Mapping[int, Arrivals],
        operator: httpx.Client,
        awake: Awake,
    ) -> None:
        self._target: Target = version.server.target
        self._side = Side(version)
        self._database_url = database_url
        self._receivers = receivers
        self._operator = operator
        self._awake = awake
        self._paid = 0

    def turn(self, rate: float, *, delivers: bool) -> Turn:
        """Pay without a pause, then at this many a second. At the end all has arrived, and endpoints are active."""
        self._set(active=delivers)
        flows = iter(self._signed())
        before = self._wal()
        with self._awake.paused():
            load = run(self._target, [prepared(flows) for _ in range(CONNECTIONS)], PATIENCE)
        full = _window(load.seconds, load.outcomes, sorted(load.latencies), self._wal() - before)
        self._paid += len(full.latencies)
        drained = self._drain() if delivers else 0.0
        time.sleep(PAUSE_SECONDS)
        payments = self._signed()
        before, answered = self._wal(), Answered()
        with self._awake.paused():
            run_paced(self._target, iter(payments), CONNECTIONS, rate, len(payments) / rate, answered)
        half = _window(answered.seconds, answered.outcomes, sorted(answered.latencies), self._wal() - before)
        self._paid += len(half.latencies)
        self._set(active=True)
        self._drain()
        arrivals = self._receivers.values() if delivers else ()
        delays = [max(0.0, each.at[order] - at) for each in arrivals for order, at in answered.at.items()]
        return Turn(full, half, sorted(delays), drained)

    def _set(self, *, active: bool) -> None:
        for port in self._receivers:
            body = {"url": f"http://127.0.0.1:{port}/", "batch": BATCH, "types": ["order.paid"], "active": active}
            self._operator.put(f"/v1/admin/webhooks/at-{port}", json=body).raise_for_status()
        time.sleep(PAUSE_SECONDS)

    def _signed(self) -> list[bytes]:
        return [each for _ in range(ROUNDS) for each in self._side.signed(lambda p: requests.checkout(p, ()))]

    def _wal(self) -> int:
        with psycopg.connect(self._database_url) as connection:
            [(position,)] = connection.execute("SELECT pg_current_wal_insert_lsn() - '0/0'").fetchall()
        return int(position)

    def _drain(self) -> float:
        """Wait until each receiver has everything; how long that took. Raises ClickException."""
        began = time.monotonic()
        while any(each.look() < self._paid for each in self._receivers.values()):
            if time.monotonic() - began > DRAIN_SECONDS:
                came = [each.look() for each in self._receivers.values()]
                raise click.ClickException(f"of {self._paid} orders came {came}")
            time.sleep(0.05)
        return time.monotonic() - began


def _window(seconds: float, outcomes: dict[str, int], latencies: list[float], wal: int) -> Window:
    if set(outcomes) != {"200"}:
        raise click.ClickException(f"answers: {dict(outcomes)}")
    return Window(len(latencies) / seconds, latencies, wal / len(latencies))


@click.command()
@click.option("--turns", type=click.IntRange(1), default=12, show_default=True)
@click.option("--customers", type=click.IntRange(CONNECTIONS), default=512, show_default=True)
@click.option("--apart", is_flag=True, help="Background tasks run in `nice lingdang worker`.")
def main(turns: int, customers: int, apart: bool) -> None:
    """Measure payments, their WAL, and how long after its answer each is heard of."""
    with tempfile.TemporaryDirectory(prefix="lingdang-delivering-") as name, ExitStack() as stack:
        shop = _shop(stack, Path(name) / "shop", customers, apart)
        measured: dict[bool, list[Turn]] = {False: [], True: []}
        pace = shop.turn(200.0, delivers=True).full.rate / 2
        for number in track(range(turns), "turns", console=Console(stderr=True)):
            for delivers in (False, True) if number % 2 else (True, False):
                measured[delivers].append(shop.turn(pace, delivers=delivers))
    click.echo("\n".join(f"{name}: {said}" for name, said in machine().items()))
    click.echo(
        f"payments of three books, {ENDPOINTS} endpoints active over paused, {turns} turns: median (least to most)"
    )
    click.echo("\n".join(told(measured[False], measured[True], pace)))


def told(without: Sequence[Turn], delivering: Sequence[Turn], pace: float) -> list[str]:
    """The lines of the report."""
    pairs = list(zip(without, delivering, strict=True))
    delays = sorted(delay for turn in delivering for delay in turn.delays)
    half, late = percentile(delays, 0.5), percentile(delays, 0.99)
    return [
        f"full load: rate × {_spread([b.full.rate / a.full.rate for a, b in pairs])}; "
        f"all arrived {_spread([b.drained for b in delivering])} s after the last answer",
        f"half load, {pace:,.0f}/s: p50 × {_spread([_share(b, 0.5) / _share(a, 0.5) for a, b in pairs])}, "
        f"p99 × {_spread([_share(b, 0.99) / _share(a, 0.99) for a, b in pairs])}",
        f"WAL a payment: × {_spread([b.full.wal / a.full.wal for a, b in pairs])} at full load, "
        f"× {_spread([b.half.wal / a.half.wal for a, b in pairs])} at half",
        f"from answer to arrival at half load: p50 {half:.2f} s, p99 {late:.2f} s",
    ]


def _share(turn: Turn, share: float) -> float:
    return percentile(turn.half.latencies, share)


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.3f} ({min(values):.2f} to {max(values):.2f})"


def _shop(stack: ExitStack, data_dir: Path, customers: int, apart: bool) -> Shop:
    files = [data_dir.with_name(f"receiver-{number}") for number in range(ENDPOINTS)]
    ports = [stack.enter_context(hooked(file)) for file in files]
    settings = {
        "LINGDANG_WEBHOOK_NETWORKS": "127.0.0.0/8",
        "LINGDANG_WEBHOOK_PORTS": ",".join(map(str, ports)),
    }
    if apart:
        settings["LINGDANG_BACKGROUND"] = "worker"
    version = stack.enter_context(version_served(Path.cwd(), data_dir, customers, settings))
    if apart:
        stack.enter_context(_working(data_dir, settings))
    key = api_key(data_dir, "hooks", ("webhooks:write",))
    operator = httpx.Client(base_url=version.server.url, headers={"Authorization": f"Bearer {key}"}, timeout=60)
    stack.enter_context(operator)
    directory = (data_dir / "pg" / "postmaster.pid").read_text().splitlines()[4]
    url = f"postgresql://postgres@/postgres?host={quote(directory, safe='/')}"
    receivers = {port: stack.enter_context(closing(Arrivals(file))) for port, file in zip(ports, files, strict=True)}
    return Shop(version, url, receivers, operator, stack.enter_context(Awake()))


@contextmanager
def _working(data_dir: Path, settings: Mapping[str, str]) -> Iterator[None]:
    """The shop's background tasks as a process of their own, to which the system gives what is left."""
    command = ["nice", "-n", "10", *lingdang("worker", data_dir=data_dir)]
    with data_dir.with_suffix(".log").open("wb") as log:
        process = subprocess.Popen(command, env={**clean_environ(), **settings}, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


if __name__ == "__main__":
    main()
