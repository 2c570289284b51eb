"""The feed: every event in one order, a page at a time, from any position that a client comes back with.

One request of a worker reads at a time, so that however many ask, there are connections for all others.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from itertools import islice

import msgspec

from lingdang.db.pool import Connection, Pool, connection_of
from lingdang.errors import Problem
from lingdang.events import epochs, kinds
from lingdang.events.arrivals import Arrivals, newest
from lingdang.events.cursor import Cursor, Spot, read_cursor
from lingdang.events.epochs import Rollback
from lingdang.events.event import Event, position_text
from lingdang.events.reading import Told, Wanted, all_told, read_rows
from lingdang.events.telling import JournalRow, Thresholds
from lingdang.journal.witness import Witness

LATEST = "latest"
STRETCH = 2000
"""Rows that are looked through at once for those of some types."""
LOOKING_SECONDS = 2.0
"""After so long a request answers what it has found, so that a client sees that it is getting on."""

_SHOP = "SELECT created_at::text FROM deployment"
_NOTICES_BEFORE = 1_000_000
"""Of one position notices come first: their ranks are below it."""


class EventPage(msgspec.Struct, frozen=True):
    """One page. `next` is the position from which to read on; it is there however few items there are."""

    items: list[Event]
    next: str


class Feed:
    """One worker's way to read events for clients."""

    def __init__(self, pool: Pool, buckets: int, low: Thresholds, witness: Witness) -> None:
        self._pool = pool
        self._buckets = buckets
        self._low = low
        self._rollback = Rollback(witness)
        self._turn = asyncio.Lock()
        self._shop = ""
        self.arrivals = Arrivals(self._look)

    async def read(self, after: str | None, types: Collection[str] | None, limit: int, wait: float) -> EventPage:
        """Up to `limit` events of these types (None: of all) behind a position, waited for up to `wait` seconds.

        None stands for the beginning, `latest` for the end, where nothing is waited for. Raises Problem
        `invalid_request`, `position_lost`, `feed_stopped` or `overloaded`.
        """
        end = time.monotonic() + wait
        if after == LATEST:
            return EventPage([], (await self._latest()).to_text(self._shop))
        cursor = await self._begin(after)
        wanted = None if types is None else _wanted(types)
        while True:
            events, cursor = await self._look_through(cursor, types, wanted, limit)
            left = end - time.monotonic()
            read_to = [spot.position for spot in cursor.spots]
            if events or left <= 0 or not await self.arrivals.wait(read_to, left):
                return EventPage(events, cursor.to_text(self._shop))

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        async with self._turn, connection_of(self._pool) as connection:
            yield connection

    async def _look(self) -> Sequence[int]:
        async with self._connection() as connection:
            return await newest(connection, self._buckets)

    async def _latest(self) -> Cursor:
        async with self._connection() as connection:
            await self._know(connection)
            positions = await newest(connection, self._buckets)
            known = [each for bucket in range(self._buckets) for each in await epochs.resets(connection, bucket)]
        return Cursor(tuple(map(Spot, positions)), max((each.number for each in known), default=0))

    async def _begin(self, after: str | None) -> Cursor:
        """Where to read on. Raises Problem where the client has seen what is gone."""
        async with self._connection() as connection:
            await self._know(connection)
            cursor = Cursor((Spot(0),) * self._buckets)
            if after is not None:
                cursor = read_cursor(after, self._shop, self._buckets)
            return await self._kept(connection, cursor)

    async def _know(self, connection: Connection) -> None:
        """Refuse while the feed is stopped, and know which shop's it is."""
        await self._rollback.refuse(connection)
        if not self._shop:
            [(created,)] = await (await connection.execute(_SHOP)).fetchall()
            self._shop = sha256(created.encode()).hexdigest()[:8]

    async def _kept(self, connection: Connection, cursor: Cursor) -> Cursor:
        """The cursor, with the resets that its client has heard of by now."""
        spots, last_true, newest_reset = list(cursor.spots), [], cursor.reset
        for bucket, spot in enumerate(cursor.spots):
            known = await epochs.resets(connection, bucket)
            newest_reset = max((newest_reset, *(each.number for each in known)))
            resume = await epochs.lost(connection, bucket, spot.position, known, cursor.reset)
            if resume is not None:
                spots[bucket] = Spot(resume)
                last_true.append(position_text(bucket, resume))
        kept = Cursor(tuple(spots), newest_reset, cursor.turn)
        if last_true:
            raise Problem("position_lost", resume=kept.to_text(self._shop), lastTrue=last_true)
        return kept

    async def _look_through(
        self, cursor: Cursor, types: Collection[str] | None, wanted: Wanted | None, limit: int
    ) -> tuple[list[Event], Cursor]:
        """The next events there are, up to `limit`, and how far that is."""
        end = time.monotonic() + LOOKING_SECONDS
        events: list[Event] = []
        done = 0
        while True:
            found, cursor, more = await self._stretch(cursor, types, wanted, limit - len(events))
            events += found
            if not more:
                done += 1
                cursor = cursor._replace(turn=(cursor.turn + 1) % self._buckets)
            if done == self._buckets or len(events) == limit or time.monotonic() >= end:
                return events, cursor

    async def _stretch(
        self, cursor: Cursor, types: Collection[str] | None, wanted: Wanted | None, limit: int
    ) -> tuple[list[Event], Cursor, bool]:
        """The same of one stretch of the bucket whose turn it is, and whether there is more of it."""
        bucket, spot = cursor.turn, cursor.spots[cursor.turn]
        # Of a transaction that did not fit on a page the rest is read again.
        after = spot.position - 1 if spot.rank else spot.position
        async with self._connection() as connection:
            rows, read_to, more = await read_rows(connection, bucket, after, STRETCH if wanted else limit + 1, wanted)
        ranked = ((place, event) for place, event in _ranked(rows, self._low) if place > spot)
        found = list(islice((each for each in ranked if types is None or each[1].type in types), limit + 1))
        if len(found) > limit:
            spot, more = found[limit - 1][0], True
        else:
            spot = Spot(max(read_to, spot.position))
        spots = (*cursor.spots[:bucket], spot, *cursor.spots[bucket + 1 :])
        return [event for _, event in found[:limit]], cursor._replace(spots=spots), more


def _ranked(rows: Sequence[Told], low: Thresholds) -> Iterator[tuple[Spot, Event]]:
    """What the rows tell, each with where it stands: notices come first, what follows from a row right behind it."""
    for row in rows:
        place = row.place
        first = _NOTICES_BEFORE + 2 * place.number if isinstance(row, JournalRow) else place.number
        for rank, event in enumerate(all_told(row, low), first):
            yield Spot(place.position, rank), event


def _wanted(types: Collection[str]) -> Wanted:
    """What tells events of these types; any row may tell of a wallet that is low."""
    all_kinds = kinds.LOW in types
    return Wanted(
        [kind for kind, (name, _) in kinds.KINDS.items() if all_kinds or name in types],
        [name for name in kinds.NOTICES if name in types],
    )
