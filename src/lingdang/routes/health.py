"""What those who run the server ask: whether it is alive, whether it is ready, and how it does."""

from collections.abc import Callable

import msgspec
from prometheus_client.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE

from lingdang.db.probe import Probe
from lingdang.errors import retry_later
from lingdang.http.kept import Kept
from lingdang.http.reply import Reply
from lingdang.http.route import ANYONE, AnyServed, Asked, Route


class Health(msgspec.Struct, frozen=True):
    """All is well; anything else is a problem."""

    status: str


_WELL = Health("ok")

ALIVE = Route(
    name="getHealth",
    method="GET",
    path="/healthz",
    who=ANYONE,
    summary="Whether the server is alive",
    description="Answers as long as the server runs; it asks no database.",
    tag="operations",
    answer=Health,
    example=_WELL,
)
READY = Route(
    name="getReadiness",
    method="GET",
    path="/readyz",
    who=ANYONE,
    summary="Whether the database is there and migrated",
    description="503 while requests would be refused.",
    tag="operations",
    answer=Health,
    example=_WELL,
)
METRICS = Route(
    name="getMetrics",
    method="GET",
    path="/metrics",
    who=ANYONE,
    summary="Metrics for Prometheus",
    description="The text format of Prometheus, summed up over all workers.",
    tag="operations",
    answer=str,
    example="lingdang_workers 2.0\n",
    media_type=CONTENT_TYPE,
)


def routes(probe: Probe, render: Callable[[], bytes]) -> list[AnyServed]:
    """The operators' probes. `render` gives the metrics' text: a scrape costs a hundred price reads."""
    metrics_text = Kept(render)

    async def alive(_: Asked[None]) -> Health:
        return _WELL

    async def ready(_: Asked[None]) -> Health:
        if not await probe.ready():
            raise retry_later("overloaded", 5)
        return _WELL

    async def metrics(_: Asked[None]) -> Reply:
        return Reply(metrics_text())

    return [ALIVE.by(alive), READY.by(ready), METRICS.by(metrics)]
