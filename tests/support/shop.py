"""A served shop, and the little a test needs to fill it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import psycopg
import uvicorn

from lingdang.app import create_app
from lingdang.clock import Clock, system_clock
from lingdang.deployment import Deployment, make_sessions
from lingdang.http.entry import Entry
from lingdang.identity.sessions import Sessions
from lingdang.keys import Keyring
from lingdang.serving.connections import Connection
from lingdang.serving.listening import listen
from lingdang.serving.seats import Seats
from lingdang.settings import Settings
from lingdang.watch import UNWATCHED, Watch
from support.declared import refuses_as_declared

PATIENCE = 120.0
"""Seconds after which a test takes something for hung. None passes or fails by being quicker or slower than that."""


@dataclass
class Shop:
    """A running server: its address, its database, its keys and a plain HTTP client on it."""

    url: str
    database_url: str
    keyring: Keyring
    http: httpx.AsyncClient
    sessions: Sessions
    entry: Entry | None = None
    """Its application, where it runs in this process."""

    def sql(self, statement: str, params: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Rows straight from the database, past the application."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            cursor = connection.execute(statement, params)
            return cursor.fetchall() if cursor.description else []


class _Server(uvicorn.Server):
    """Ends when it is told to, and not at its next look."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.told = asyncio.Event()

    async def main_loop(self) -> None:
        while not self.told.is_set():
            await self.on_tick(0)
            with suppress(TimeoutError):
                await asyncio.wait_for(self.told.wait(), 1)


@asynccontextmanager
async def open_shop(
    database_url: str,
    keyring: Keyring,
    watch: Watch = UNWATCHED,
    *,
    short_way: bool = False,
    clock: Clock = system_clock,
    buckets: int = 1,
    **settings: Any,
) -> AsyncIterator[Shop]:
    """Serve a shop on a free port until the block ends; `settings` override the defaults.

    `short_way`: hot requests go past the ASGI cycle, as in a worker.
    """
    deployment = Deployment(Settings(**settings), database_url, keyring, buckets=buckets, clock=clock)
    (listener,) = listen("127.0.0.1", 0, workers=1)
    app = create_app(deployment, watch)
    protocol: Any = partial(Connection, entry=app, seats=Seats(1000), short_way=short_way)
    config = uvicorn.Config(
        app,
        http=protocol,
        lifespan="on",
        log_level="warning",
        access_log=False,
        proxy_headers=bool(deployment.settings.trusted_proxies),
        forwarded_allow_ips=deployment.settings.trusted_proxies,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        if task.done():
            task.result()
        await asyncio.sleep(0.01)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    hooks: Any = {"response": [refuses_as_declared]}
    timeout = httpx.Timeout(PATIENCE, pool=None)
    # `verify`: without TLS, the authorities of the machine need not be read.
    async with httpx.AsyncClient(base_url=url, timeout=timeout, event_hooks=hooks, verify=False) as client:
        yield Shop(url, database_url, keyring, client, make_sessions(deployment), app)
    server.told.set()
    await task
    listener.close()
