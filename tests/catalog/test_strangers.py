"""Strangers' turns: so many at once, so many wait, and the others are told to come later."""

import asyncio

import pytest

from lingdang.catalog.strangers import Strangers
from lingdang.errors import Problem
from support.tabs import until


class Crowd:
    """Strangers who take a turn each and stay until they are told to go."""

    def __init__(self, strangers: Strangers) -> None:
        self.strangers = strangers
        self.inside = 0
        self.served = 0
        self.go = asyncio.Event()

    async def visit(self) -> None:
        async with self.strangers.turn():
            self.inside += 1
            await self.go.wait()
            self.inside -= 1
            self.served += 1


async def test_so_many_at_once_and_all_who_wait_come_in_turn() -> None:
    crowd = Crowd(Strangers(at_once=2, waiting=3, wait_seconds=60))
    visits = [asyncio.create_task(crowd.visit()) for _ in range(5)]
    await until(lambda: crowd.inside == 2)
    with pytest.raises(Problem, match="overloaded") as refused:
        await crowd.visit()
    assert refused.value.headers == {"Retry-After": "1"}
    assert crowd.inside == 2
    crowd.go.set()
    await asyncio.gather(*visits)
    assert (crowd.inside, crowd.served) == (0, 5)
    await crowd.visit()
    assert crowd.served == 6


async def test_who_waits_too_long_is_told_to_come_later() -> None:
    crowd = Crowd(Strangers(at_once=1, waiting=3, wait_seconds=0.01))
    first = asyncio.create_task(crowd.visit())
    await until(lambda: crowd.inside == 1)
    with pytest.raises(Problem, match="overloaded"):
        await crowd.visit()
    crowd.go.set()
    await first
    await crowd.visit()
    assert crowd.served == 2


async def test_a_turn_that_fails_or_is_given_up_is_over() -> None:
    strangers = Strangers(at_once=1, waiting=0, wait_seconds=60)
    for _ in "12":
        with pytest.raises(ValueError, match="x"):
            async with strangers.turn():
                raise ValueError("x")
    crowd = Crowd(strangers)
    gone = asyncio.create_task(crowd.visit())
    await until(lambda: crowd.inside == 1)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    crowd.go.set()
    await crowd.visit()
    assert crowd.served == 1
