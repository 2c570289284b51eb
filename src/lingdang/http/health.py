"""GET /healthz, /readyz and /metrics."""

import time
from collections.abc import Callable

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from prometheus_client.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE

from lingdang.db.probe import Probe
from lingdang.errors import retry_later


class Health(msgspec.Struct, frozen=True):
    """All is well; anything else is a problem."""

    status: str


_WELL = Health("ok")
_FRESH_SECONDS = 1.0


class Kept:
    """What `make` gives, made at most once a second: it is open to all, and costs a hundred price reads."""

    def __init__(self, make: Callable[[], bytes], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._make = make
        self._monotonic = monotonic
        self._made = b""
        self._at = -_FRESH_SECONDS

    def __call__(self) -> bytes:
        now = self._monotonic()
        if now - self._at >= _FRESH_SECONDS:
            self._made, self._at = self._make(), now
        return self._made


def routes(probe: Probe, render: Callable[[], bytes]) -> list[HTTPRouteHandler]:
    """The operators' probes. `render` gives the metrics' text."""

    metrics_text = Kept(render)

    @get("/healthz", summary="Whether the server is alive", tags=["operations"], sync_to_thread=False)
    def alive() -> Health:
        return _WELL

    @get("/readyz", summary="Whether the database is there and migrated", tags=["operations"])
    async def ready() -> Health:
        if not await probe.ready():
            raise retry_later("overloaded", 5)
        return _WELL

    @get(
        "/metrics", summary="Metrics for Prometheus", tags=["operations"], media_type=CONTENT_TYPE, sync_to_thread=False
    )
    def metrics() -> Response[bytes]:
        return Response(metrics_text(), media_type=CONTENT_TYPE)

    return [alive, ready, metrics]
