"""Endpoints: where events are sent, what of them, and whether; and how operators see that it goes on."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from lingdang.db.pool import Connection
from lingdang.errors import Problem, invalid_field
from lingdang.events.kinds import TYPES
from lingdang.events.webhooks.figures import Figures
from lingdang.ids import OWN_ID_PATTERN
from lingdang.journal.positions import horizon
from lingdang.paging import Page, Window, page

MOST_ENDPOINTS = 50
MOST_BATCH = 100
_COUNTED = 10_000
"""Counting what waits ends there."""
_SHOWN = 20

EndpointId = Annotated[str, Meta(pattern=OWN_ID_PATTERN, description="The platform's id of an endpoint.")]
State = Literal["delivering", "failing", "paused"]

_CREATE = """
INSERT INTO webhook_endpoint (url, types, thin, batch, active, created_at, updated_at, endpoint_id)
VALUES (%b, %b, %b, %b, %b, %b, %b, %b) ON CONFLICT DO NOTHING
"""
_LEASE = "INSERT INTO webhook_lease (endpoint_id, until) VALUES (%b, now())"
_CURSOR = "INSERT INTO webhook_cursor (endpoint_id, bucket, position) VALUES (%b, %b, %b)"
_COUNT = "SELECT count(*) FROM webhook_endpoint"
_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended('webhook_endpoint', 0))"
# Whoever writes an endpoint anew has perhaps repaired it: it is tried at once.
_REPLACE = """
UPDATE webhook_endpoint
   SET url = %b, types = %b, thin = %b, batch = %b, active = %b, updated_at = %b, gone_at = NULL,
       failing_since = NULL, failures = 0, next_try_at = NULL
 WHERE endpoint_id = %b
"""
_TRY_AT_ONCE = "UPDATE webhook_held SET due_at = %b WHERE endpoint_id = %b AND due_at > %b"
_DELETE = "DELETE FROM webhook_endpoint WHERE endpoint_id = %b"
_COLUMNS = f"""
SELECT e.endpoint_id, e.url, e.types, e.thin, e.batch, e.active, e.gone_at, e.created_at, e.updated_at, e.failing_since,
       e.next_try_at, e.figures::text, w.waiting, w.parked, least(w.since, c.since), f.failed::text
  FROM webhook_endpoint e
 CROSS JOIN LATERAL (
       SELECT count(*) FILTER (WHERE h.parked_at IS NULL) AS waiting, count(h.parked_at) AS parked,
              min(h.happened_at) FILTER (WHERE h.parked_at IS NULL) AS since
         FROM (SELECT * FROM webhook_held h WHERE h.endpoint_id = e.endpoint_id LIMIT {_COUNTED}) h) w
 CROSS JOIN LATERAL (
       SELECT min(t.at) AS since
         FROM webhook_cursor c
        CROSS JOIN LATERAL (SELECT t.at FROM transfer t WHERE t.bucket = c.bucket AND t.position > c.position
                             ORDER BY t.position LIMIT 1) t
        WHERE c.endpoint_id = e.endpoint_id) c
 CROSS JOIN LATERAL (
       SELECT coalesce(json_agg(json_build_object(
                  'eventId', h.event_id, 'happenedAt', journal_moment(h.happened_at), 'failures', h.failures,
                  'nextTryAt', journal_moment(h.due_at), 'parkedAt', journal_moment(h.parked_at), 'reason', h.reason)
                  ORDER BY h.number DESC), '[]') AS failed
         FROM (SELECT * FROM webhook_held h WHERE h.endpoint_id = e.endpoint_id AND h.failures > 0
                ORDER BY h.number DESC LIMIT {_SHOWN}) h) f
"""  # noqa: S608 - a constant
_ONE = f"{_COLUMNS} WHERE e.endpoint_id = %b"
_LIST = f"{_COLUMNS} WHERE e.endpoint_id > %b ORDER BY e.endpoint_id LIMIT %b"


class EndpointInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """An endpoint as it shall be: where events go, which, and in what form.

    Without `types` all are sent, those of later versions too. `thin` events have no `data`. With `batch` 1 the body is
    an event, with more a list of up to so many. While it is not `active`, it keeps its position.
    """

    url: Annotated[str, Meta(min_length=1, max_length=2048)]
    types: Annotated[tuple[str, ...], Meta(min_length=1, max_length=100)] | None = None
    thin: bool = False
    batch: Annotated[int, Meta(ge=1, le=MOST_BATCH)] = 1
    active: bool = True


class Backlog(msgspec.Struct, frozen=True, rename="camel"):
    """What an endpoint has not got yet: since when the oldest of it is there (null: nothing is), how many events are
    held because one of the same customer failed, and how many were given up. Counts end at 10,000."""

    since: datetime | None
    waiting: int
    parked: int


class FailedEvent(msgspec.Struct, frozen=True, rename="camel"):
    """An event that was not accepted: how often, why the last time, and when it is tried again or was given up."""

    event_id: str
    happened_at: datetime
    failures: int
    next_try_at: datetime | None
    parked_at: datetime | None
    reason: str | None


class EndpointView(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """An endpoint as it is. While its secret is lost, it has no public key and nothing is sent: it needs a new one."""

    endpoint_id: str
    url: str
    types: list[str] | None
    thin: bool
    batch: int
    active: bool
    state: State
    gone_at: datetime | None
    failing_since: datetime | None
    next_try_at: datetime | None
    public_key: str | None
    secret: str | None = None
    secret_lost: bool = False
    backlog: Backlog
    failed: list[FailedEvent]
    figures: Figures
    created_at: datetime
    updated_at: datetime


async def put_endpoint(
    connection: Connection, endpoint_id: str, given: EndpointInput, buckets: int, now: datetime
) -> bool:
    """Create an endpoint (True), which is told what happens from now on, or replace it. Raises Problem
    `invalid_request` and, where there is no room for a new one, `endpoints_full`."""
    refuse_unknown(given.types)
    values = (given.url, None if given.types is None else list(given.types), given.thin, given.batch, given.active)
    await connection.execute(_ALONE)
    if (await connection.execute(_CREATE, (*values, now, now, endpoint_id))).rowcount:
        await _begin(connection, endpoint_id, buckets)
        return True
    await connection.execute(_REPLACE, (*values, now, endpoint_id))
    await connection.execute(_TRY_AT_ONCE, (now, endpoint_id, now))
    return False


def refuse_unknown(types: Sequence[str] | None) -> None:
    """Raises Problem `invalid_request` for types of events that there are not."""
    unknown = sorted(set(types or ()) - TYPES.keys())
    if unknown:
        raise invalid_field("types", f"There are no such types: {', '.join(unknown)[:200]}")


async def _begin(connection: Connection, endpoint_id: str, buckets: int) -> None:
    [(number,)] = await (await connection.execute(_COUNT)).fetchall()
    if number > MOST_ENDPOINTS:
        raise Problem("endpoints_full", limit=MOST_ENDPOINTS)
    await connection.execute(_LEASE, (endpoint_id,))
    for bucket in range(buckets):
        await connection.execute(_CURSOR, (endpoint_id, bucket, await horizon(connection, bucket) - 1))


async def get_endpoint(connection: Connection, endpoint_id: str) -> EndpointView:
    """One endpoint, still without its public key. Raises Problem `not_found`."""
    row = await (await connection.execute(_ONE, (endpoint_id,), binary=True)).fetchone()
    if row is None:
        raise Problem("not_found")
    return _view(*row)


async def list_endpoints(connection: Connection, window: Window) -> Page[EndpointView]:
    """Every endpoint by its id, still without public keys."""
    rows = await (await connection.execute(_LIST, (window.after or "", window.limit + 1), binary=True)).fetchall()
    views = [_view(*row) for row in rows]
    return page(views, [view.endpoint_id for view in views], window.limit)


async def delete_endpoint(connection: Connection, endpoint_id: str) -> None:
    """Forget an endpoint with all that waits for it. Raises Problem `not_found`."""
    if not (await connection.execute(_DELETE, (endpoint_id,))).rowcount:
        raise Problem("not_found")


def _view(
    endpoint_id: str,
    url: str,
    types: Sequence[str] | None,
    thin: bool,
    batch: int,
    active: bool,
    gone_at: datetime | None,
    created_at: datetime,
    updated_at: datetime,
    failing_since: datetime | None,
    next_try_at: datetime | None,
    figures: str,
    waiting: int,
    parked: int,
    since: datetime | None,
    failed: str,
) -> EndpointView:
    return EndpointView(
        endpoint_id=endpoint_id,
        url=url,
        types=None if types is None else list(types),
        thin=thin,
        batch=batch,
        active=active,
        state="paused" if not active else "failing" if failing_since else "delivering",
        gone_at=gone_at,
        failing_since=failing_since,
        next_try_at=next_try_at,
        public_key=None,
        backlog=Backlog(since, waiting, parked),
        failed=msgspec.json.decode(failed, type=list[FailedEvent]),
        figures=msgspec.json.decode(figures, type=Figures),
        created_at=created_at,
        updated_at=updated_at,
    )
