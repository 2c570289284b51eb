"""Webhooks: endpoints to which events are sent, as the operators keep and watch them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from lingdang.db.pool import Connection, Pool, transaction
from lingdang.errors import Problem, invalid_field
from lingdang.events.feed import Feed
from lingdang.events.webhooks.endpoints import (
    EndpointId,
    EndpointInput,
    EndpointView,
    delete_endpoint,
    get_endpoint,
    list_endpoints,
    put_endpoint,
    refuse_unknown,
)
from lingdang.events.webhooks.figures import Attempt, attempt
from lingdang.events.webhooks.messages import test_message
from lingdang.events.webhooks.replaying import Part, ask_replay
from lingdang.events.webhooks.secrets import OVERLAP, LostSecretError, Secrets
from lingdang.events.webhooks.sending import Sender
from lingdang.events.webhooks.signing import Secret, signed_headers
from lingdang.events.webhooks.targets import Target, TargetError, read_target
from lingdang.http.reply import Reply, replied
from lingdang.http.route import AnyServed, Asked, Route
from lingdang.identity.api_keys import ApiKey
from lingdang.identity.customers import known_customer
from lingdang.ids import CustId, uuid7
from lingdang.paging import Page
from lingdang.routes.callers import operator
from lingdang.routes.examples import webhooks
from lingdang.routes.parameters import Pages

START = "start"
_LONGEST_OVERLAP = 30 * 86400


class OfEndpoint(msgspec.Struct, frozen=True, rename="camel"):
    """Which endpoint."""

    endpoint_id: EndpointId


class ReplayRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Which part of the past is to be sent again: positions of the feed, `after` the one and up to the other.

    A transaction that a page ended within is sent again whole.
    """

    after: Annotated[
        str,
        Meta(min_length=1, max_length=16_000, description="A `next` of the feed, or `start`: from the first day on."),
    ]
    until: Annotated[
        str | None, Meta(description="A `next` of the feed; without it, up to what the endpoint was sent last.")
    ] = None
    types: Annotated[tuple[str, ...], Meta(min_length=1, max_length=100)] | None = None
    cust_id: CustId | None = None


class ReplayAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """A replay that was asked for. It goes on by itself, beside what is new."""

    replay_id: str


class RotationRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """For how long the secret before signs beside the new one."""

    overlap_seconds: Annotated[
        int,
        Meta(ge=0, le=_LONGEST_OVERLAP, description="0: it has leaked, and ends at once."),
    ] = int(OVERLAP.total_seconds())


class RotationAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """The new secret, told this once. Until `overlap_ends_at` messages are signed by the one before as well."""

    secret: str
    public_key: str
    overlap_ends_at: datetime


_WRITE = operator("webhooks:write")

PUT = Route(
    name="putWebhook",
    method="PUT",
    path="/v1/admin/webhooks/{endpoint_id}",
    who=_WRITE,
    summary="Create an endpoint, or replace all of it",
    description="A new one is sent what happens from then on, and its `secret` is told this once. Writing one anew has "
    "what failed there tried at once. While it is not `active`, it keeps its position.",
    tag="operators",
    params=OfEndpoint,
    body=EndpointInput,
    body_example=webhooks.INPUT,
    answer=EndpointView,
    example=webhooks.NEW,
    statuses={200: "The endpoint as it is now", 201: "The endpoint is new; `secret` is not told again"},
    problems=("endpoints_full",),
)
SHOW = Route(
    name="getWebhook",
    method="GET",
    path="/v1/admin/webhooks/{endpoint_id}",
    who=_WRITE,
    summary="One endpoint, and how it goes",
    description="Its state, what it has not got yet, and the last attempts with their answers.",
    tag="operators",
    params=OfEndpoint,
    answer=EndpointView,
    example=webhooks.ENDPOINT,
    problems=("not_found",),
)
EVERYTHING = Route(
    name="listWebhooks",
    method="GET",
    path="/v1/admin/webhooks",
    who=_WRITE,
    summary="Every endpoint, and how it goes",
    description="By their ids.",
    tag="operators",
    params=Pages,
    answer=Page[EndpointView],
    example=Page([webhooks.ENDPOINT], None),
)
DELETE = Route(
    name="deleteWebhook",
    method="DELETE",
    path="/v1/admin/webhooks/{endpoint_id}",
    who=_WRITE,
    summary="Forget an endpoint",
    description="With its position and all that waits for it. To stop sending for a while, make it not `active`.",
    tag="operators",
    params=OfEndpoint,
    answer=type(None),
    problems=("not_found",),
)
TEST = Route(
    name="testWebhook",
    method="POST",
    path="/v1/admin/webhooks/{endpoint_id}/test",
    who=_WRITE,
    summary="Send a test to an endpoint, and tell how it was answered",
    description="A signed message of the type `endpoint.test`, which is no event of the feed. An endpoint that is not "
    "`active` can be tested too.",
    tag="operators",
    params=OfEndpoint,
    answer=Attempt,
    example=webhooks.ATTEMPT,
    problems=("not_found", "secret_unusable"),
)
REPLAY = Route(
    name="replayWebhook",
    method="POST",
    path="/v1/admin/webhooks/{endpoint_id}/replay",
    who=_WRITE,
    summary="Send a part of the past again",
    description="In the events' order and with their ids, beside what is new. Types that the endpoint does not ask for "
    "can be replayed too.",
    tag="operators",
    params=OfEndpoint,
    body=ReplayRequest,
    body_example=ReplayRequest(after=webhooks.POSITION),
    answer=ReplayAnswer,
    example=ReplayAnswer("019ab0c5-5800-7000-8000-0000000000b1"),
    statuses={202: "It begins within seconds"},
    problems=("not_found", "position_lost", "feed_stopped", "replays_full"),
)
ROTATE = Route(
    name="rotateWebhookSecret",
    method="POST",
    path="/v1/admin/webhooks/{endpoint_id}/secrets",
    who=_WRITE,
    summary="Give an endpoint a new secret",
    description="The new secret and the one before both sign for a while, so that receivers can change at any time.",
    tag="operators",
    params=OfEndpoint,
    body=RotationRequest,
    body_example=RotationRequest(),
    optional_body=True,
    answer=RotationAnswer,
    example=RotationAnswer(webhooks.SECRET, webhooks.PUBLIC_KEY, webhooks.OVERLAP_ENDS),
    statuses={201: "The new secret; it is not told again"},
    problems=("not_found",),
)


def routes(pool: Pool, secrets: Secrets, sender: Sender, feed: Feed, buckets: int) -> list[AnyServed]:
    """The operators' routes of webhooks."""

    async def with_key(connection: Connection, view: EndpointView, now: datetime) -> EndpointView:
        """The endpoint with its public key, or that its secret is lost."""
        try:
            newest, *_ = await secrets.in_use(connection, view.endpoint_id, now)
        except LostSecretError:
            return msgspec.structs.replace(view, secret_lost=True)
        return msgspec.structs.replace(view, public_key=newest.public_key)

    async def put(asked: Asked[ApiKey, OfEndpoint, EndpointInput]) -> Reply:
        endpoint_id, now = asked.params.endpoint_id, asked.now
        await _checked(sender, asked.body.url)
        async with transaction(pool) as connection:
            created = await put_endpoint(connection, endpoint_id, asked.body, buckets, now)
            secret = (await secrets.add(connection, endpoint_id, now)).secret if created else None
            view = await with_key(connection, await get_endpoint(connection, endpoint_id), now)
        return replied(msgspec.structs.replace(view, secret=secret), 201 if created else 200)

    async def show(asked: Asked[ApiKey, OfEndpoint]) -> EndpointView:
        async with transaction(pool) as connection:
            return await with_key(connection, await get_endpoint(connection, asked.params.endpoint_id), asked.now)

    async def everything(asked: Asked[ApiKey, Pages]) -> Page[EndpointView]:
        async with transaction(pool) as connection:
            found = await list_endpoints(connection, asked.params.window())
            items = [await with_key(connection, view, asked.now) for view in found.items]
        return Page(items, found.next_cursor)

    async def delete(asked: Asked[ApiKey, OfEndpoint]) -> None:
        async with transaction(pool) as connection:
            await delete_endpoint(connection, asked.params.endpoint_id)

    async def test(asked: Asked[ApiKey, OfEndpoint]) -> Attempt:
        endpoint_id, now = asked.params.endpoint_id, asked.now
        async with transaction(pool) as connection:
            endpoint = await get_endpoint(connection, endpoint_id)
            signing = await _signing(secrets, connection, endpoint_id, now)
        made = test_message(endpoint_id, f"test_{uuid7().hex}", now, batched=endpoint.batch > 1)
        headers = signed_headers(signing, made.id, now, made.body)
        return attempt(made.id, now, 1, await sender.send(read_target(endpoint.url), headers, made.body))

    async def replay(asked: Asked[ApiKey, OfEndpoint, ReplayRequest]) -> Reply:
        body, endpoint_id, replay_id = asked.body, asked.params.endpoint_id, uuid7()
        customer = None if body.cust_id is None else (await known_customer(pool, body.cust_id)).key
        part = await _part(feed, body, buckets, customer)
        async with transaction(pool) as connection:
            await get_endpoint(connection, endpoint_id)
            await ask_replay(connection, endpoint_id, replay_id, part, asked.now)
        return replied(ReplayAnswer(str(replay_id)), 202)

    async def rotate(asked: Asked[ApiKey, OfEndpoint, RotationRequest]) -> Reply:
        overlap = timedelta(seconds=asked.body.overlap_seconds)
        async with transaction(pool) as connection:
            await get_endpoint(connection, asked.params.endpoint_id)
            made = await secrets.add(connection, asked.params.endpoint_id, asked.now, overlap)
        return replied(RotationAnswer(made.secret, made.public_key, asked.now + overlap), 201)

    return [
        PUT.by(put),
        SHOW.by(show),
        EVERYTHING.by(everything),
        DELETE.by(delete),
        TEST.by(test),
        REPLAY.by(replay),
        ROTATE.by(rotate),
    ]


async def _part(feed: Feed, body: ReplayRequest, buckets: int, customer: int | None) -> Part:
    """What is asked for. Raises Problem `invalid_request`, and what the feed does for a position."""
    refuse_unknown(body.types)
    after = await feed.positions(None if body.after == START else body.after)
    until = [2**63 - 1] * buckets if body.until is None else await feed.positions(body.until, begun=True)
    if any(end < begin for begin, end in zip(after, until, strict=True)):
        raise invalid_field("until", "It is before `after`")
    return Part(after, until, body.types, customer)


async def _signing(secrets: Secrets, connection: Connection, endpoint_id: str, now: datetime) -> Sequence[Secret]:
    """What signs now. Raises Problem `secret_unusable`."""
    try:
        return await secrets.in_use(connection, endpoint_id, now)
    except LostSecretError:
        raise Problem("secret_unusable") from None


async def _checked(sender: Sender, url: str) -> Target:
    """The target that may be sent to. Raises Problem `invalid_request`."""
    try:
        target = read_target(url)
        await sender.check(target)
    except TargetError as error:
        raise invalid_field("url", str(error)) from None
    return target
