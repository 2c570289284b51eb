"""What a process that serves nobody answers all the same, over plain HTTP: is it alive, is it ready, its metrics."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from typing import NoReturn

import uvicorn
from litestar import Litestar

from lingdang.clock import Clock
from lingdang.db.probe import Probe
from lingdang.http.answers import EXCEPTION_HANDLERS
from lingdang.http.bound import Gate, bound
from lingdang.http.entry import Entry
from lingdang.http.framework import framework_route
from lingdang.routes import health
from lingdang.watch import Watch

_MOST_BYTES = 1024
"""Of a request's body, which none of these routes has."""
_DRAIN_SECONDS = 1
"""How long an answer may take to go out at a stop."""


@asynccontextmanager
async def answering(listener: socket.socket, probe: Probe, watch: Watch, clock: Clock) -> AsyncIterator[None]:
    """The operators' three routes are answered for as long as the block."""
    config = uvicorn.Config(
        _app(probe, watch, clock),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve([listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


class _Server(uvicorn.Server):
    """uvicorn's server in a process that answers its signals by itself."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def _app(probe: Probe, watch: Watch, clock: Clock) -> Entry:
    routes = bound(health.routes(probe, watch.scrape), Gate(_nobody, _nobody, clock))
    framework = Litestar(
        [framework_route(each, _MOST_BYTES) for each in routes],
        exception_handlers=EXCEPTION_HANDLERS,
        openapi_config=None,
        logging_config=None,
    )
    return Entry(framework, [], max_body_bytes=_MOST_BYTES, observe=watch.request)


def _nobody(*_: object) -> NoReturn:
    raise AssertionError("these routes ask nobody for a proof")
