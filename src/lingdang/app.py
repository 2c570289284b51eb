"""The composition root: builds every part once and joins their routes."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import msgspec
import psycopg
import structlog
from litestar import Litestar
from litestar.openapi.config import OpenAPIConfig

from lingdang import __version__
from lingdang.clock import Clock, system_clock
from lingdang.db.pool import connect_options, make_pool
from lingdang.http.answers import EXCEPTION_HANDLERS
from lingdang.http.entry import Entry, HotRoute, Observe
from lingdang.keys import Keyring
from lingdang.ledger.settlement import ObserveBatch, Settlement
from lingdang.settings import Settings

_log = structlog.get_logger(__name__)

_SWEEP_SECONDS = 30.0


class Deployment(msgspec.Struct, frozen=True):
    """What one worker stands on: the settings, the database that is there, and the keyring."""

    settings: Settings
    database_url: str
    keyring: Keyring
    buckets: int
    clock: Clock = system_clock


class Watch(msgspec.Struct, frozen=True):
    """Who is told what happens, for the metrics: requests, payments by result, and batches by lane."""

    request: Observe = lambda *_: None
    payment: Callable[[str], None] = lambda _: None
    batch: Callable[[str, int, float], None] = lambda *_: None

    def lane(self, name: str) -> ObserveBatch:
        """The observer of one lane's batches."""
        return lambda size, seconds: self.batch(name, size, seconds)


UNWATCHED = Watch()


def read_buckets(database_url: str, settings: Settings) -> int:
    """How many buckets this database was made with."""
    with psycopg.connect(database_url, **connect_options(settings.pgbouncer)) as connection:
        row = connection.execute("SELECT buckets FROM deployment").fetchone()
    assert row is not None, "a migrated database has its one deployment row"
    return int(row[0])


def make_settlement(deployment: Deployment, watch: Watch = UNWATCHED) -> Settlement:
    """A settlement on the deployment's database, not yet open."""
    settings = deployment.settings
    return Settlement(
        deployment.database_url,
        buckets=deployment.buckets,
        clock=deployment.clock,
        pgbouncer=settings.pgbouncer,
        queue_limit=settings.queue_limit,
        batch_limit=settings.batch_limit,
        seconds=settings.command_seconds,
        give_up_seconds=settings.give_up_seconds,
        observe=watch.lane("settlement"),
    )


def create_app(deployment: Deployment, watch: Watch = UNWATCHED) -> Entry:
    """The whole server as one ASGI application; its lifespan opens and closes what it holds."""
    settings = deployment.settings
    pool = make_pool(deployment.database_url, settings.pool_size, settings.pgbouncer)
    handlers: list[Any] = []
    hot: Sequence[HotRoute[Any]] = []

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(pool)
            yield

    framework = Litestar(
        handlers,
        lifespan=[lifespan],
        exception_handlers=EXCEPTION_HANDLERS,
        openapi_config=OpenAPIConfig(title="Lingdang", version=__version__),
        request_max_body_size=settings.max_body_bytes,
        logging_config=None,
    )
    return Entry(framework, hot, max_body_bytes=settings.max_body_bytes, observe=watch.request)
