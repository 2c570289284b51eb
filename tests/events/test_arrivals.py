"""Whoever waits for what comes is woken by one look for all; nobody looks while nobody waits."""

import asyncio

from lingdang.errors import Problem
from lingdang.events.arrivals import Arrivals
from support.shop import PATIENCE
from support.tabs import until as told


class Journal:
    """Where it ends, and how often it was looked at."""

    def __init__(self) -> None:
        self.newest = [7]
        self.looks = 0
        self.away = False

    async def look(self) -> list[int]:
        self.looks += 1
        if self.away:
            raise Problem("overloaded")
        return list(self.newest)


async def until(count: int, journal: Journal) -> None:
    """Until the journal was looked at so many times."""
    await told(lambda: journal.looks >= count)


async def test_what_is_there_already_is_not_waited_for() -> None:
    arrivals = Arrivals(Journal().look)
    assert await arrivals.wait([6], PATIENCE)
    assert len(arrivals) == 0


async def test_one_look_wakes_all() -> None:
    journal = Journal()
    arrivals = Arrivals(journal.look)
    waiting = [asyncio.create_task(arrivals.wait([7], PATIENCE)) for _ in range(200)]
    await until(2, journal)
    assert len(arrivals) == 200
    assert not any(task.done() for task in waiting)
    journal.newest = [8]
    assert await asyncio.gather(*waiting) == [True] * 200
    assert journal.looks <= 4, "however many wait"


async def test_nobody_looks_while_nobody_waits() -> None:
    journal = Journal()
    arrivals = Arrivals(journal.look)
    assert not await arrivals.wait([7], 0.01)
    await told(lambda: arrivals._looking is None)
    looked = journal.looks
    await asyncio.sleep(0.6)
    assert journal.looks == looked
    journal.newest = [3]
    assert not await arrivals.wait([5], 0.5), "the end that was known once is not believed: a restore puts it back"
    assert journal.looks > looked


async def test_a_database_that_is_away_is_waited_for() -> None:
    journal = Journal()
    journal.away = True
    arrivals = Arrivals(journal.look)
    waiting = asyncio.create_task(arrivals.wait([6], PATIENCE))
    await until(2, journal)
    assert not waiting.done()
    journal.away = False
    assert await waiting


async def test_at_a_stop_nobody_waits() -> None:
    journal = Journal()
    arrivals = Arrivals(journal.look)
    waiting = asyncio.create_task(arrivals.wait([7], PATIENCE))
    await until(1, journal)
    arrivals.close()
    assert await waiting is False
    assert await arrivals.wait([6], PATIENCE) is False
