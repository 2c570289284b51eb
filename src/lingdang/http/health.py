"""GET /healthz, /readyz and /metrics."""

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


def routes(probe: Probe, render: Callable[[], bytes]) -> list[HTTPRouteHandler]:
    """The operators' probes. `render` gives the metrics' text."""

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
        return Response(render(), media_type=CONTENT_TYPE)

    return [alive, ready, metrics]
