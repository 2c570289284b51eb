"""A worker: one process, one event loop, one application on the shared listening socket."""

import asyncio
import contextlib
import gc
import signal
import socket
import sys
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from functools import partial
from multiprocessing import connection

import msgspec
import structlog
import uvicorn
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from lingdang.app import create_app
from lingdang.deployment import SETTLEMENT, deploy
from lingdang.http.entry import Entry
from lingdang.serving.accepting import Acceptor
from lingdang.serving.connections import Connection, close_overdue
from lingdang.serving.descriptors import connection_limit
from lingdang.serving.living import follow_parent, publish, show_life
from lingdang.serving.logs import configure_logging
from lingdang.serving.metrics import Metrics, measure_process
from lingdang.serving.seats import Seats
from lingdang.serving.settled import Tally
from lingdang.serving.tls import context
from lingdang.serving.work import Beat, Work
from lingdang.signals import ignore
from lingdang.watch import Watch

DRAIN_SECONDS = 15
"""How long running requests may take to end at a stop."""
KEEP_ALIVE_SECONDS = 75
"""How long a connection may rest between two requests; longer than the 60 s that proxies keep theirs."""

_log = structlog.get_logger(__name__)


def run(work: Work, listener: socket.socket, ready: connection.Connection, beat: Beat) -> None:
    """Serve until told to stop. Sends one word through `ready` when requests are answered, and beats from then on."""
    configure_logging(work.settings, f"worker-{work.number}")
    metrics = Metrics(work.metrics_directory, work.number)
    measure_process(metrics, str(work.number))
    tally = Tally(work.settled_directory, work.number)

    def batch(lane: str, size: int, seconds: float) -> None:
        metrics.batch(lane, size, seconds)
        if lane == SETTLEMENT:
            tally.batch(size, seconds)

    watch = Watch(
        metrics.observe_request,
        metrics.payment,
        batch,
        metrics.database,
        metrics.gauge,
        metrics.render,
        str(work.number),
    )
    seats = Seats(connection_limit(work.settings))
    for state in seats.counts():
        metrics.gauge("lingdang_connections", state, partial(_count, seats, state))
    # Whoever runs the background tasks, a worker of the server does not.
    settings = msgspec.structs.replace(work.settings, background="worker")
    entry = create_app(deploy(settings, work.database_url), watch)
    server = _Server(
        _config(work, entry, seats), ready, metrics, beat, seats, work.settings.body_seconds, entry.at_stop
    )
    follow_parent(partial(setattr, server, "should_exit", True), DRAIN_SECONDS + 5)
    # What is loaded by now stays: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    server.run([listener])


def _count(seats: Seats, state: str) -> int:
    return seats.counts()[state]


def _config(work: Work, entry: Entry, seats: Seats) -> uvicorn.Config:
    settings = work.settings
    certificate = work.certificate
    return uvicorn.Config(
        _logged(entry) if settings.access_log else entry,
        # The access log sees what passes through it: with it every request goes the long way.
        http=partial(Connection, entry=entry, seats=seats, short_way=not settings.access_log),  # type: ignore[arg-type]
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        headers=[("strict-transport-security", settings.hsts)] if settings.hsts else [],
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=[part.strip() for part in settings.trusted_proxies.split(",")],
        timeout_graceful_shutdown=DRAIN_SECONDS,
        ssl_context_factory=(lambda *_: context(certificate)) if certificate else None,
    )


class _Server(uvicorn.Server):
    """uvicorn's server with this worker's background tasks; only its supervisor stops it."""

    def __init__(
        self,
        config: uvicorn.Config,
        ready: connection.Connection,
        metrics: Metrics,
        beat: Beat,
        seats: Seats,
        body_seconds: float,
        at_stop: Sequence[Callable[[], None]],
    ) -> None:
        super().__init__(config)
        self._at_stop = at_stop
        self._seats = seats
        self._ready = ready
        self._metrics = metrics
        self._beat = beat
        self._body_seconds = body_seconds
        self._tasks: list[asyncio.Task[None]] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup([])
        self._acceptors = [
            Acceptor(listener, self.config.ssl, self._seats, self._protocol) for listener in sockets or ()
        ]
        for acceptor in self._acceptors:
            acceptor.open()
        self._tasks = [
            asyncio.create_task(
                close_overdue(self.server_state, sending=self._body_seconds, resting=KEEP_ALIVE_SECONDS)
            ),
            asyncio.create_task(publish(self._metrics)),
        ]
        # Not one of those that are ended at a stop: whoever drains is alive.
        self._life = asyncio.create_task(show_life(self._beat))
        self._ready.send("ready")
        self._ready.close()

    def _protocol(self) -> Connection:
        make: Callable[..., Connection] = self.config.http_protocol_class  # type: ignore[assignment]
        return make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for acceptor in self._acceptors:
            acceptor.close()
        for task in self._tasks:
            task.cancel()
        for stop in self._at_stop:
            stop()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        # What a terminal sends reaches every process of it; the supervisor answers with SIGTERM in its order.
        ignore()
        signal.signal(signal.SIGTERM, self.handle_exit)
        yield


def _logged(app: ASGIApp) -> ASGIApp:
    """The access log: one event a request, after its answer."""

    async def logged(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        started = time.perf_counter()
        status, request_id = 0, ""

        async def watched(message: Message) -> None:
            nonlocal status, request_id
            if message["type"] == "http.response.start":
                status = message["status"]
                request_id = _header(message["headers"], b"x-request-id")
            await send(message)

        await app(scope, receive, watched)
        _log.info(
            "request",
            method=scope.get("method"),
            path=scope["path"],
            status=status,
            milliseconds=round((time.perf_counter() - started) * 1000, 1),
            request_id=request_id,
            client=scope["client"][0] if scope["client"] else None,
        )

    return logged


def _header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in headers if key == name), "")
