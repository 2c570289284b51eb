"""Pages of events that were read lately. Endpoints that are equally far are sent the same ones: each is told once."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable

from lingdang.db.pool import Pool, connection_of
from lingdang.events.reading import EventsAfter, read_events
from lingdang.events.telling import Thresholds

KEPT = 8
KEPT_SECONDS = 2.0
"""Who was erased is named no longer than this."""


class Reads:
    """The reading of one process, a page at a time. `clock` is monotonic."""

    def __init__(self, pool: Pool, low: Thresholds, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._low = low
        self._clock = clock
        self._turn = asyncio.Lock()
        self.told = 0
        """How many events it has read so far."""
        self._kept: OrderedDict[tuple[int, int], tuple[float, EventsAfter]] = OrderedDict()

    async def read(self, bucket: int, after: int, most: int) -> EventsAfter:
        """About `most` events after a cursor; as many as somebody else has asked for just now."""
        async with self._turn:
            until, found = self._kept.get((bucket, after), (0.0, None))
            if found is not None and self._clock() < until:
                return found
            async with connection_of(self._pool) as connection:
                read = await read_events(connection, bucket, after, most, self._low)
            self.told += len(read.events)
            if read.cursor != after:
                self._keep((bucket, after), read)
            return read

    def forget(self) -> None:
        """Read all anew: a restore may have been declared, which gives cursors another meaning."""
        self._kept.clear()

    def _keep(self, place: tuple[int, int], read: EventsAfter) -> None:
        self._kept.pop(place, None)
        self._kept[place] = self._clock() + KEPT_SECONDS, read
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
