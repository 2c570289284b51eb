"""Turns by key: so many abreast, so many waiting, and nobody else is in anybody's way."""

import asyncio

import pytest

from lingdang.errors import Problem
from lingdang.identity.turns import Turns


class Worker:
    """Takes turns and keeps them until it is told to let go."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.begun: list[str] = []
        self.gate = asyncio.Event()

    async def work(self, key: str, name: str) -> None:
        async with self.turns.turn(key):
            self.begun.append(name)
            await self.gate.wait()

    async def start(self, key: str, *names: str) -> "list[asyncio.Task[None]]":
        tasks = [asyncio.create_task(self.work(key, name)) for name in names]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return tasks


async def test_so_many_work_and_so_many_wait() -> None:
    worker = Worker(Turns(2, 1, code="rate_limited", seconds=2.0))
    tasks = await worker.start("ann", "1", "2", "3", "4")
    assert worker.begun == ["1", "2"]
    refused = tasks[3].exception()
    assert isinstance(refused, Problem)
    assert (refused.code, refused.headers["Retry-After"]) == ("rate_limited", "6")
    others = await worker.start("bob", "5")
    assert worker.begun == ["1", "2", "5"]
    worker.gate.set()
    await asyncio.gather(*tasks[:3], *others)
    assert worker.begun[3:] == ["3"]


async def test_a_line_without_anybody_takes_no_room() -> None:
    turns = Turns(1, 0)
    async with turns.turn("ann"):
        assert list(turns._lines) == ["ann"]
        with pytest.raises(Problem, match="overloaded"):
            async with turns.turn("ann"):
                raise AssertionError("there is no room")
    assert turns._lines == {}


async def test_who_goes_away_passes_the_turn_on() -> None:
    worker = Worker(Turns(1, 2))
    first, second, third = await worker.start("ann", "1", "2", "3")
    second.cancel()
    first.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    worker.gate.set()
    await third
    assert worker.begun == ["1", "3"]
    assert worker.turns._lines == {}


async def test_what_fails_in_its_turn_ends_it() -> None:
    turns = Turns(1, 0)
    for _ in range(2):
        with pytest.raises(ValueError, match="x"):
            async with turns.turn("ann"):
                raise ValueError("x")
    assert turns._lines == {}
