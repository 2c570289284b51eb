"""Reading all events there are, past the server."""

from typing import Any

import msgspec

from lingdang.events.event import encode
from lingdang.events.reading import NO_THRESHOLDS, EventsAfter, read_events
from lingdang.events.telling import Thresholds
from support.journal import connected


async def read_all(
    database_url: str, most: int = 100, bucket: int = 0, low: Thresholds = NO_THRESHOLDS
) -> list[dict[str, Any]]:
    """All events as they are sent, in pages of about `most`."""
    told: list[dict[str, Any]] = []
    async with connected(database_url) as reader:
        page = EventsAfter([], [], 0, more=True)
        while page.more:
            page = await read_events(reader, bucket, page.cursor, most, low)
            told += [msgspec.json.decode(encode(event)) for event in page.events]
        assert (await read_events(reader, bucket, page.cursor, most)).events == []
    return told
