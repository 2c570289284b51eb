"""An event: one fact, told to a platform's servers. Its id is a hash of what it tells of, so a repeat has the same."""

from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec

from lingdang.identity.customers import ERASED


class Data(msgspec.Struct, frozen=True, gc=False):
    """What an event of a type tells; each type has its own (lingdang.events.kinds)."""


class Event(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True, gc=False):
    """One event. Whoever was erased has no `cust_id`, and `erased` in its place: a name that nobody else has.

    `seq` counts the customer's rows of the journal; events that are no row have none. `position` is a text: where it
    stands in the one order of all events, with the bucket before it where that is not the first.
    """

    id: str
    type: str
    time: datetime
    cust_id: str | None = None
    erased: str | None = None
    seq: int | None = None
    position: str
    data: Any = None
    """A Data; of events that are read from elsewhere what JSON has."""


encode = msgspec.json.Encoder().encode


def event_id(epoch: int, *named: object) -> str:
    """The id of what these name: a customer and a seq, say. The epoch keeps apart what a restore lost and what came
    instead."""
    text = " ".join(map(str, (epoch, *named)))
    return f"evt_{sha256(text.encode()).hexdigest()[:32]}"


def position_text(bucket: int, position: int) -> str:
    """A position as it is told."""
    return f"{bucket}:{position}" if bucket else str(position)


def whose(customer_id: str | None) -> dict[str, Any]:
    """The members that name an event's customer; none for an event of nobody's."""
    if customer_id is None:
        return {}
    if customer_id.startswith(ERASED):
        return {"erased": customer_id.removeprefix(ERASED)}
    return {"cust_id": customer_id}
