"""`python -m proof.bench.notified`: payments beside notifications of top-ups, and payments alone, in turns.

One shop is served all the time, because two of the same version differ by some hundredths for as long as they run. In a
window it is paid as fast as it can be; in every second one providers' notifications come as well, at a set pace, each
the first one of a top-up: it is verified, written down and answered, and its bells are credited beside the payments.
The next window begins when all of them have been. They are the sandbox's, whose signature is an HMAC, as Stripe's is.
"""

import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack, closing
from itertools import cycle, islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import UUID

import click
import httpx
import msgspec
import psycopg
from rich.console import Console
from rich.progress import track

from lingdang.keys import Keyring, ensure_keyring
from lingdang.topup.providers.sandbox import Sandbox, Sending
from proof.bench import requests
from proof.bench.awake import Awake
from proof.bench.buying import Buyer
from proof.bench.figures import spread
from proof.bench.load import Answer, Flow, Load, percentile, prepared, run
from proof.bench.paced import run_paced
from proof.bench.report import machine
from proof.bench.version_served import Version, api_key, version_served
from proof.bench.versions import CONNECTIONS, Side
from proof.server import Target

NOTIFYING = 16
"""Connections over which notifications come."""
SPARE = 1.3
"""So many more payments are ready than a window is expected to take."""
LATEST_SECONDS = 1.0
LEAST_SHARE = 0.95
_DRAIN_SECONDS = 120.0

_PACKAGE = {"name": "600 bells", "paid": 600, "bonus": 60, "price": {"amount": 600, "currency": "CNY"}}
_BEGIN = msgspec.json.encode({"packageId": "six", "provider": "sandbox", "channel": "web"})
_WAITING = "SELECT count(*) FROM topup_waiting"
_CREDITED = "SELECT count(*) FROM transfer WHERE kind = 'topup'"


class Window(NamedTuple):
    """How many were paid, and how many a second; the seconds in which notifications were answered and, after the last,
    carried out; seconds of CPU that server and database took for all of it."""

    paid: int
    rate: float
    answers: Sequence[float]
    drained: float
    cpu: float


class Shop:
    """A served shop whose sandbox is played by `provider`; `awake` keeps the machine at work between windows.

    Notifications are sent by a process of their own, `beside`: they must not hold up whoever sends payments.
    """

    def __init__(
        self, version: Version, connection: "psycopg.Connection[Any]", provider: Sandbox, awake: Awake, beside: Executor
    ) -> None:
        self._server = version.server
        self._target = version.server.target
        self._side = Side(version)
        self._buyers = cycle(version.buyers)
        self._connection = connection
        self._provider = provider
        self._awake = awake
        self._beside = beside
        self._payments: deque[bytes] = deque()
        self._rate = 4000.0
        self._told = 0

    def window(self, seconds: float, pace: float) -> Window:
        """Pay for so long, with so many notifications a second. All of them are carried out at the end."""
        while len(self._payments) < self._rate * seconds * SPARE:
            self._payments += self._side.signed(lambda purchase: requests.checkout(purchase, ()))
        told = [_request(each) for each in self._sendings(int(pace * seconds))]
        cpu = self._server.cpu_seconds()
        with self._awake.paused():
            notified = self._beside.submit(_notify, self._target, told, pace, seconds) if told else None
            load = run(self._target, [prepared(_taken(self._payments)) for _ in range(CONNECTIONS)], seconds)
            heard = None if notified is None else notified.result()
        for outcomes in (load.outcomes, {} if heard is None else heard.outcomes):
            if set(outcomes) - {"200"}:
                raise click.ClickException(f"answers: {dict(outcomes)}")
        self._rate = len(load.latencies) / load.seconds
        self._told += len(told)
        drained = self._drained()
        cpu = self._server.cpu_seconds() - cpu
        self._check()  # it reads the whole journal
        return Window(len(load.latencies), self._rate, [] if heard is None else sorted(heard.latencies), drained, cpu)

    def _sendings(self, count: int) -> list[Sending]:
        """So many top-ups are begun and paid; what is to be told of each."""
        begun: list[UUID] = []
        chosen = list(islice(self._buyers, count))
        flows = [_beginning(chosen[first::CONNECTIONS], begun) for first in range(min(CONNECTIONS, count))]
        if flows:
            run(self._target, flows, _DRAIN_SECONDS)
        return [sending for each in begun for sending in self._provider.play(each, "pay") or []]

    def _drained(self) -> float:
        """Wait until everything that was told is carried out; how long that took. Raises ClickException."""
        began = time.monotonic()
        while self._count(_WAITING):
            if time.monotonic() - began > _DRAIN_SECONDS:
                raise click.ClickException(f"{self._count(_WAITING)} notifications wait")
            time.sleep(0.02)
        return time.monotonic() - began

    def _check(self) -> None:
        credited = self._count(_CREDITED)
        if credited != self._told:
            raise click.ClickException(f"of {self._told} top-ups {credited} were credited")

    def _count(self, sql: str) -> int:
        [(count,)] = self._connection.execute(sql.encode()).fetchall()
        return int(count)


def _notify(target: Target, told: Sequence[bytes], pace: float, seconds: float) -> Load:
    return run_paced(target, iter(told), NOTIFYING, pace, seconds)


def _taken(queue: deque[bytes]) -> Iterator[bytes]:
    while queue:
        yield queue.popleft()


def _beginning(buyers: Sequence[Buyer], begun: list[UUID]) -> Flow:
    """Begin a top-up for each, and keep its id."""
    for buyer in buyers:
        answer: Answer = yield requests.request(b"POST /v1/topups", buyer, _BEGIN)
        if answer.status != 201:
            raise click.ClickException(f"a top-up was not begun: {answer.outcome}")
        begun.append(UUID(msgspec.json.decode(answer.body)["topupId"]))


def _request(sending: Sending) -> bytes:
    headers = "".join(f"{name}: {value}\r\n" for name, value in sending.headers.items())
    head = f"POST /v1/topups/notify/sandbox HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{headers}"
    return f"{head}Content-Length: {len(sending.body)}\r\n\r\n".encode() + sending.body


@click.command()
@click.option("--turns", type=click.IntRange(1), default=12, show_default=True)
@click.option("--seconds", type=click.FloatRange(0.5), default=4.0, show_default=True, help="Of a window.")
@click.option("--pace", type=click.FloatRange(1), default=50.0, show_default=True, help="Notifications a second.")
@click.option("--customers", type=click.IntRange(CONNECTIONS), default=512, show_default=True)
def main(turns: int, seconds: float, pace: float, customers: int) -> None:
    """Measure payments with and without notifications, and how soon these are answered."""
    with tempfile.TemporaryDirectory(prefix="lingdang-notified-") as name, ExitStack() as stack:
        shop = _shop(stack, Path(name) / "shop", customers)
        measured: dict[bool, list[Window]] = {False: [], True: []}
        for told in (False, True):  # not counted: what is read once is read in them
            shop.window(seconds, pace if told else 0.0)
        for number in track(range(turns), "turns", console=Console(stderr=True)):
            for told in (False, True) if number % 2 else (True, False):
                measured[told].append(shop.window(seconds, pace if told else 0.0))
    click.echo("\n".join(f"{name}: {said}" for name, said in machine().items()))
    click.echo(f"payments of three books, {pace:g} notifications a second over none, {turns} turns of {seconds:g} s")
    click.echo("\n".join(said(measured[False], measured[True])))


def said(without: Sequence[Window], notified: Sequence[Window]) -> list[str]:
    """The lines of the report: medians (least to most), and whether the goals are reached."""
    share = spread([b.rate / a.rate for a, b in zip(without, notified, strict=True)])
    answers = sorted(seconds for window in notified for seconds in window.answers)
    half, late = percentile(answers, 0.5), percentile(answers, 0.99)
    drained = spread([window.drained for window in notified])
    payment = sum(window.cpu for window in without) / sum(window.paid for window in without)
    more = sum(window.cpu - payment * window.paid for window in notified)
    notification = more / max(1, len(answers))
    return [
        f"payments: rate × {share.median:.3f} ({share.least:.2f} to {share.most:.2f}), "
        f"at least {LEAST_SHARE:g}: {_reached(share.median >= LEAST_SHARE)}",
        f"notifications: answered in p50 {half:.3f} s, p99 {late:.3f} s, the latest {answers[-1]:.3f} s of "
        f"{len(answers):,}, p99 below {LATEST_SECONDS:g} s: {_reached(late < LATEST_SECONDS)}",
        f"all carried out {drained.median:.2f} s ({drained.least:.2f} to {drained.most:.2f}) after the last",
        f"CPU: {1000 * payment:.2f} ms a payment, {1000 * notification:.1f} ms a notification until it is carried out",
    ]


def _reached(yes: bool) -> str:
    return "reached" if yes else "NOT REACHED"


def _shop(stack: ExitStack, data_dir: Path, customers: int) -> Shop:
    version = stack.enter_context(version_served(Path.cwd(), data_dir, customers))
    key = api_key(data_dir, "topups", ("topups:write",))
    with httpx.Client(base_url=version.server.url, headers={"Authorization": f"Bearer {key}"}, timeout=60) as operator:
        operator.put("/v1/admin/topups/packages/six", json=_PACKAGE).raise_for_status()
    directory = (data_dir / "pg" / "postmaster.pid").read_text().splitlines()[4]
    url = f"postgresql://postgres@/postgres?host={quote(directory, safe='/')}"
    connection = stack.enter_context(closing(psycopg.connect(url, autocommit=True)))
    provider = Sandbox("sandbox", url, Keyring(ensure_keyring(None, data_dir)), "")
    beside = stack.enter_context(ProcessPoolExecutor(1, get_context("spawn")))
    return Shop(version, connection, provider, stack.enter_context(Awake()), beside)


if __name__ == "__main__":
    main()
