"""Pages of events that were read lately. Endpoints that are equally far are sent the same ones: each is told once."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from lingdang.db.pool import Connection, Pool, connection_of
from lingdang.events.reading import read_events
from lingdang.events.telling import Thresholds
from lingdang.events.webhooks.messages import Told

KEPT = 8
KEPT_SECONDS = 2.0
"""Who was erased is named no longer than this."""


class ToldAfter(NamedTuple):
    """The events that come after a cursor, which goes on from `cursor`; `more`: there is more already."""

    told: list[Told]
    cursor: int
    more: bool


async def read_told(connection: Connection, bucket: int, after: int, most: int, low: Thresholds) -> ToldAfter:
    """About `most` events after a cursor, ready to be sent. Raises UnknownKindError."""
    read = await read_events(connection, bucket, after, most, low)
    told = [
        Told((bucket, customer), int(event.position.rpartition(":")[2]), event)
        for event, customer in zip(read.events, read.customers, strict=True)
    ]
    return ToldAfter(told, read.cursor, read.more)


class Reads:
    """The reading of one process, a page at a time. `clock` is monotonic."""

    def __init__(self, pool: Pool, low: Thresholds, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._low = low
        self._clock = clock
        self._turn = asyncio.Lock()
        self.read_so_far = 0
        """How many events that are."""
        self._kept: OrderedDict[tuple[int, int], tuple[float, ToldAfter]] = OrderedDict()

    async def read(self, bucket: int, after: int, most: int) -> ToldAfter:
        """About `most` events after a cursor; as many as somebody else has asked for just now."""
        async with self._turn:
            until, found = self._kept.get((bucket, after), (0.0, None))
            if found is not None and self._clock() < until:
                return found
            async with connection_of(self._pool) as connection:
                read = await read_told(connection, bucket, after, most, self._low)
            self.read_so_far += len(read.told)
            if read.cursor != after:
                self._keep((bucket, after), read)
            return read

    def forget(self) -> None:
        """Read all anew: a restore may have been declared, which gives cursors another meaning."""
        self._kept.clear()

    def _keep(self, place: tuple[int, int], read: ToldAfter) -> None:
        self._kept.pop(place, None)
        self._kept[place] = self._clock() + KEPT_SECONDS, read
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
