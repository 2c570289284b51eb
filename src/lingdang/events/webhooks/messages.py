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


class Told(msgspec.Struct, gc=False):
    """An event on its way to endpoints: whose it is, and where it stands. It is encoded once for all of them."""

    whose: Whose
    position: int
    event: Event
    _full: bytes = b""
    _thin: bytes = b""

    def body(self, *, thin: bool) -> bytes:
        """The event as it is sent, without its data where it is thin."""
        if thin:
            self._thin = self._thin or encode(msgspec.structs.replace(self.event, data=None))
            return self._thin
        self._full = self._full or encode(self.event)
        return self._full


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


def message(told: Sequence[Told], *, batched: bool, thin: bool) -> Message:
    """What is sent for these events: an object for one, and a list of one or more where they come in batches."""
    bodies = [each.body(thin=thin) for each in told]
    if not batched:
        [body] = bodies
        return Message(told[0].event.id, body)
    return Message(_id_of(told), b"[" + b",".join(bodies) + b"]")


def _id_of(told: Sequence[Told]) -> str:
    if len(told) == 1:
        return told[0].event.id
    return f"batch_{sha256(' '.join([each.event.id for each in told]).encode()).hexdigest()[:32]}"


def test_message(endpoint_id: str, message_id: str, now: datetime, *, batched: bool) -> Message:
    """What is sent to try an endpoint."""
    event = Trial(message_id, TEST, now, EndpointTest(endpoint_id))
    return Message(message_id, msgspec.json.encode([event] if batched else event))
