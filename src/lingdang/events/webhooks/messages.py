"""What is sent: an event, or a list of events, as the very bytes that are signed."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

import msgspec

from lingdang.events.event import Data, Event, encode
from lingdang.events.webhooks.held import Whose

TEST = "endpoint.test"
"""The type of a test's event, which is no event of the feed."""


class Told(NamedTuple):
    """An event on its way to an endpoint: whose it is, and where it stands."""

    whose: Whose
    position: int
    event: Event


class EndpointTest(Data, frozen=True, rename="camel"):
    """An operator tries an endpoint."""

    endpoint_id: str


class Trial(msgspec.Struct, frozen=True):
    """The event of a test, which stands nowhere in the feed."""

    id: str
    type: str
    time: datetime
    data: EndpointTest


class Message(NamedTuple):
    """A body with its id, which is the same whenever the same events are sent together."""

    id: str
    body: bytes


def message(events: Sequence[Event], *, batched: bool, thin: bool) -> Message:
    """What is sent for these events: an object for one, and a list of one or more where they come in batches."""
    bodies = [encode(msgspec.structs.replace(event, data=None) if thin else event) for event in events]
    if not batched:
        [body] = bodies
        return Message(events[0].id, body)
    return Message(_id_of(events), b"[" + b",".join(bodies) + b"]")


def _id_of(events: Sequence[Event]) -> str:
    if len(events) == 1:
        return events[0].id
    return f"batch_{sha256(' '.join(event.id for event in events).encode()).hexdigest()[:32]}"


def test_message(endpoint_id: str, message_id: str, now: datetime, *, batched: bool) -> Message:
    """What is sent to try an endpoint."""
    event = Trial(message_id, TEST, now, EndpointTest(endpoint_id))
    return Message(message_id, msgspec.json.encode([event] if batched else event))
