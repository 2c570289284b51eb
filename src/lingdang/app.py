"""The composition root: builds every part once and joins their routes."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import msgspec
import psycopg
from litestar import Litestar
from litestar.openapi.config import OpenAPIConfig

from lingdang import __version__
from lingdang.clock import Clock, system_clock
from lingdang.db.pool import connect_options, make_pool
from lingdang.http.answers import EXCEPTION_HANDLERS
from lingdang.http.entry import Entry, HotRoute, Observe
from lingdang.keys import Keyring
from lingdang.settings import Settings


class Deployment(msgspec.Struct, frozen=True):
    """What one worker stands on: the settings, the database that is there, and the keyring."""

    settings: Settings
    database_url: str
    keyring: Keyring
    buckets: int
    clock: Clock = system_clock


def read_buckets(database_url: str, settings: Settings) -> int:
    """How many buckets this database was made with."""
    with psycopg.connect(database_url, **connect_options(settings.pgbouncer)) as connection:
        row = connection.execute("SELECT buckets FROM deployment").fetchone()
    assert row is not None, "a migrated database has its one deployment row"
    return int(row[0])


def create_app(deployment: Deployment, observe: Observe = lambda *_: None) -> Entry:
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
    return Entry(framework, hot, max_body_bytes=settings.max_body_bytes, observe=observe)
