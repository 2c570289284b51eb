"""A reader of the journal, and what it has seen: each row once, a customer's rows in their order; or what they tell."""

import asyncio
import random

import msgspec

from lingdang.db.failures import AWAY
from lingdang.db.pool import Connection, connect_options
from lingdang.events.event import Event, encode
from lingdang.events.reading import read_events
from lingdang.journal.positions import RowPosition, read_on
from proof.consumer import Consumer

_MOST_FAULTS = 20


class Reader:
    """Reads on from its cursor, on a new connection whenever its last one broke."""

    def __init__(self, name: str, chance: random.Random, pause: float) -> None:
        self.name = name
        self.places: list[RowPosition] = []
        self.faults: list[str] = []
        self.pages = 0
        self._chance = chance
        self._pause = pause
        self._cursor = 0
        self._seqs: dict[int, int] = {}

    async def read(self, url: str, last: "asyncio.Future[int]") -> None:
        """Read until it has seen the row at `last`, which is told when nobody writes any more."""
        while True:
            try:
                async with await Connection.connect(url, **connect_options(False)) as connection:
                    await self._read(connection, last)
                    return
            except AWAY:
                await asyncio.sleep(0.05)

    async def _read(self, connection: Connection, last: "asyncio.Future[int]") -> None:
        while not (last.done() and self._cursor >= last.result()):
            page = await read_on(connection, 0, self._cursor, self._chance.randint(1, 200))
            for place in page.places:
                self.take(place)
            self._cursor = page.cursor
            self.pages += 1
            await asyncio.sleep(0 if page.more else self._chance.uniform(0, self._pause))

    def take(self, place: RowPosition) -> None:
        """Note what comes next, and whether it is what should come next."""
        expected = self._seqs.get(place.customer, 0) + 1
        if place.seq != expected:
            self._say(f"customer {place.customer}: seq {place.seq} came where {expected} was next")
        if self.places and place <= self.places[-1]:
            self._say(f"{place} came after {self.places[-1]}")
        self._seqs[place.customer] = place.seq
        self.places.append(place)

    def _say(self, fault: str) -> None:
        if len(self.faults) < _MOST_FAULTS:
            self.faults.append(f"{self.name}: {fault}")


class EventReader(Reader):
    """Reads what the journal tells as events, notices among them. `told` has their ids, each once."""

    def __init__(self, name: str, chance: random.Random, pause: float) -> None:
        super().__init__(name, chance, pause)
        self.told: dict[str, int] = {}
        self.notices = 0
        self.consumer = Consumer()

    async def _read(self, connection: Connection, last: "asyncio.Future[int]") -> None:
        while not (last.done() and self._cursor >= last.result()):
            page = await read_events(connection, 0, self._cursor, self._chance.randint(1, 200))
            for event, customer in zip(page.events, page.customers, strict=True):
                self.hear(event, customer)
            self._cursor = page.cursor
            self.pages += 1
            await asyncio.sleep(0 if page.more else self._chance.uniform(0, self._pause))

    def hear(self, event: Event, customer: int) -> None:
        """Note an event, and whether its id was told before."""
        if event.id in self.told:
            self._say(f"{event.id} came at {self.told[event.id]} and at {event.position}")
        self.told[event.id] = int(event.position)
        self.consumer.take([msgspec.json.decode(encode(event))])
        if event.seq is None:
            self.notices += 1
        else:
            self.take(RowPosition(int(event.position), customer, event.seq))
