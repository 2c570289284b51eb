"""The feed: every event in one order, a page at a time, from any position that a client comes back with.

One request of a worker reads at a time, so that however many ask, there are connections for all others.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from itertools import islice
from typing import NamedTuple

import msgspec

from lingdang.db.pool import Connection, Pool, connection_of
from lingdang.errors import Problem
from lingdang.events import epochs, kinds
from lingdang.events.arrivals import Arrivals, newest
from lingdang.events.cursor import Cursor, Spot, read_cursor
from lingdang.events.epochs import Rollback
from lingdang.events.event import Event, position_text
from lingdang.events.reading import Begun, Told, Wanted, all_told, read_rows
from lingdang.events.telling import JournalRow, Thresholds
from lingdang.journal.pace import Pace
from lingdang.journal.witness import Witness

LATEST = "latest"
STRETCH = 2000
"""Rows that are looked through at once for those of some types."""
RESTS = 4
"""How many times as long as a stretch took it rests after it, in a worker that is busy with payments."""
LOOKING_SECONDS = 2.0
"""After so long a request answers what it has found, so that a client sees that it is getting on."""

_SHOP = "SELECT created_at::text FROM deployment"
_LEAST = 500
_ROWS_FROM = 1_000_000
"""Ranks of notices are below it."""


class EventPage(msgspec.Struct, frozen=True):
    """One page. `next` is the position from which to read on; it is there however few items there are."""

    items: list[Event]
    next: str


class Feed:
    """One worker's way to read events for clients."""

    def __init__(
        self,
        pool: Pool,
        buckets: int,
        low: Thresholds,
        witness: Witness,
        settled: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """`settled` answers for how many seconds the worker has settled so far: payments come first."""
        self._pool = pool
        self._buckets = buckets
        self._low = low
        self._rollback = Rollback(witness)
        self._turn = asyncio.Lock()
        self._pace = Pace(settled)
        self._rested = 0.0
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
        sought = _sought(types)
        while True:
            events, cursor = await self._look_through(cursor, sought, limit)
            left = end - time.monotonic()
            read_to = [spot.position for spot in cursor.spots]
            if events or left <= 0 or not await self.arrivals.wait(read_to, left):
                return EventPage(events, cursor.to_text(self._shop))

    async def positions(self, place: str | None, *, begun: bool = False) -> list[int]:
        """How far each bucket was read at a position, by whole transactions; None stands for the beginning.

        With `begun` a transaction of which a part was read counts as read. Raises as `read`.
        """
        cursor = await self._begin(place)
        return [spot.position - 1 if spot.rank and not begun else spot.position for spot in cursor.spots]

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

    async def _look_through(self, cursor: Cursor, sought: "_Sought", limit: int) -> tuple[list[Event], Cursor]:
        """The next events there are, up to `limit`, and how far that is. Buckets take turns."""
        end = time.monotonic() + LOOKING_SECONDS
        events: list[Event] = []
        left = set(range(self._buckets))
        while left and len(events) < limit:
            bucket = cursor.turn
            if bucket in left:
                found, spot, more = await self._stretch(bucket, cursor.spots[bucket], sought, limit - len(events))
                events += found
                cursor = cursor.moved(bucket, spot)
                if not more:
                    left.remove(bucket)
            cursor = cursor._replace(turn=(bucket + 1) % self._buckets)
            if time.monotonic() >= end:
                break
        return events, cursor

    async def _stretch(self, bucket: int, spot: Spot, sought: "_Sought", limit: int) -> tuple[list[Event], Spot, bool]:
        """The same of one stretch of a bucket, and whether there is more of it."""
        most = STRETCH if sought.wanted else limit + 1
        at_most = max(limit + 1, sought.least)
        async with self._turn:
            await asyncio.sleep(self._rested - time.monotonic())
            began = time.monotonic()
            async with connection_of(self._pool) as connection:
                read = await read_rows(connection, bucket, spot.position, most, sought.wanted, at_most, _begun(spot))
            ranked = _ranked(read.rows, self._low)
            found = list(islice((each for each in ranked if each[0] > spot and sought.takes(each[1])), limit + 1))
            if not self._pace.allows(0.0):
                self._rested = time.monotonic() + RESTS * (time.monotonic() - began)
        events = [event for _, event in found[:limit]]
        if len(found) > limit:
            last, following = found[limit - 1][0], found[limit][0]
            return events, last if following.position == last.position else Spot(last.position), True
        if read.cut:
            return events, _end_of(read.rows[-1]), True
        return events, Spot(max(read.cursor, spot.position)), read.more


class _Sought(NamedTuple):
    """Of which types events are sought, None: of all; what of the journal is wanted for that.

    `least`: so many rows are read at least, where most of them tell of nothing that is sought.
    """

    types: Collection[str] | None
    wanted: Wanted | None
    least: int = 0

    def takes(self, event: Event) -> bool:
        return self.types is None or event.type in self.types


def _sought(types: Collection[str] | None) -> _Sought:
    """What tells events of these types; any row may tell of a wallet that is low."""
    if types is None:
        return _Sought(None, None)
    low = kinds.LOW in types
    rows = [kind for kind, (name, _) in kinds.KINDS.items() if low or name in types]
    return _Sought(types, Wanted(rows, [name for name in kinds.NOTICES if name in types]), _LEAST if low else 0)


def _ranked(rows: Sequence[Told], low: Thresholds) -> Iterator[tuple[Spot, Event]]:
    """What the rows tell, each with where it stands; what follows from a row stands right behind it."""
    for row in rows:
        for rank, event in enumerate(all_told(row, low), _rank(row)):
            yield Spot(row.place.position, rank), event


def _rank(row: Told) -> int:
    """Where what a row tells stands among all of its position: notices come first."""
    return _ROWS_FROM + 2 * row.place.number if isinstance(row, JournalRow) else row.place.number


def _end_of(row: Told) -> Spot:
    """Behind all that a row tells."""
    return Spot(row.place.position, _rank(row) + isinstance(row, JournalRow))


def _begun(spot: Spot) -> Begun | None:
    """What of a position was told before: a row may have more to tell."""
    if not spot.rank:
        return None
    if spot.rank < _ROWS_FROM:
        return Begun(spot.rank, 0)
    return Begun(_ROWS_FROM, (spot.rank - _ROWS_FROM - 1) // 2)
