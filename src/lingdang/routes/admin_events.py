"""The feed of events, for a platform's servers."""

from typing import Annotated

import msgspec
from msgspec import Meta

from lingdang.errors import invalid_field, shown
from lingdang.events.event import Event
from lingdang.events.feed import LATEST, EventPage, Feed
from lingdang.events.kinds import TYPES
from lingdang.http.route import AnyServed, Asked, Route
from lingdang.identity.api_keys import ApiKey
from lingdang.routes.callers import operator
from lingdang.routes.examples.events import EXAMPLES
from lingdang.routes.parameters import Limited

MOST_WAITED = 20


class Following(Limited, frozen=True, rename="camel", kw_only=True):
    """Which events, and how long to wait for one."""

    after: Annotated[
        str | None,
        Meta(
            description=f"The `next` of the page before; without it, from the beginning; `{LATEST}`: only a position."
        ),
    ] = None
    types: Annotated[str | None, Meta(description="Only these types, with commas between; all unless told.")] = None
    wait: Annotated[
        int, Meta(ge=0, le=MOST_WAITED, description="For how many seconds to wait for an event where there is none.")
    ] = 0

    def wanted(self) -> frozenset[str] | None:
        """The types. Raises Problem `invalid_request`."""
        if self.types is None:
            return None
        named = self.types.split(",")
        unknown = next((name for name in named if name not in TYPES), None)
        if unknown is not None:
            raise invalid_field("types", f"No type is called {shown(unknown)}; known: {', '.join(TYPES)}")
        return frozenset(named)


_EXAMPLE = EventPage([msgspec.convert(EXAMPLES["order.refunded"], Event)], "NWY3Yzg5YTEgMCAwIDE0MTczMzkyMDc2OC4w")

EVENTS = Route(
    name="listEvents",
    method="GET",
    path="/v1/admin/events",
    who=operator("events:read"),
    summary="What happened in the shop, from any position on",
    description="Every event in one order, which is each customer's own, without a gap in a customer's `seq`; kept as "
    "long as the journal. Read on with `next` as `after`, also after an empty page: of the types asked for there was "
    "nothing up to `next`. With `wait` the answer comes as soon as there is an event.",
    tag="events",
    params=Following,
    answer=EventPage,
    example=_EXAMPLE,
    problems=("position_lost", "feed_stopped"),
)


def routes(feed: Feed) -> list[AnyServed]:
    """The route of the feed."""

    async def events(asked: Asked[ApiKey, Following]) -> EventPage:
        params = asked.params
        return await feed.read(params.after, params.wanted(), params.count(), params.wait)

    return [EVENTS.by(events)]
