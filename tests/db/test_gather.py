"""Gathering: one batch after the other, at once when idle, and a moment later when the next batch grows by it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from lingdang.db import gather
from lingdang.db.gather import Gather
from lingdang.errors import Problem


class Lane:
    """Batches that end when they are let go; `seen` has each one's calls."""

    def __init__(self) -> None:
        self.seen: list[list[int]] = []
        self.go = asyncio.Semaphore(0)

    async def run(self, calls: Sequence[int]) -> Sequence[int]:
        self.seen.append(list(calls))
        await self.go.acquire()
        return [-call for call in calls]


@asynccontextmanager
async def opened(lane: Lane, **limits: float) -> AsyncIterator[Gather[int, int]]:
    limits = {"queue_limit": 100, "batch_limit": 50, "seconds": 60.0} | limits
    lanes: Gather[int, int] = Gather(lane.run, **limits)  # type: ignore[arg-type]
    lanes.open()
    yield lanes
    for _ in range(20):
        lane.go.release()
    await lanes.close()


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lane that lingers waits until it has enough, however long that takes."""
    monkeypatch.setattr(gather, "LINGER_SECONDS", 3600.0)


async def test_alone_nobody_waits(patient: None) -> None:
    lane = Lane()
    async with opened(lane) as lanes:
        for call in (1, 2, 3):
            lane.go.release()
            assert await lanes.submit(call) == -call
    assert lane.seen == [[1], [2], [3]]


async def test_the_next_batch_waits_for_those_just_answered(patient: None) -> None:
    lane = Lane()
    async with opened(lane) as lanes:
        first = asyncio.ensure_future(lanes.submit(1))
        await turns()
        waiting = [asyncio.ensure_future(lanes.submit(call)) for call in (2, 3)]
        await turns()
        lane.go.release()
        assert await first == -1
        await turns()
        assert lane.seen == [[1]], "it lingers"
        again = asyncio.ensure_future(lanes.submit(4))
        await turns()
        assert lane.seen == [[1], [2, 3, 4]]
        lane.go.release()
        assert await asyncio.gather(*waiting, again) == [-2, -3, -4]


async def test_it_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather, "LINGER_SECONDS", 0.01)
    lane = Lane()
    async with opened(lane) as lanes:
        first = asyncio.ensure_future(lanes.submit(1))
        await turns()
        second = asyncio.ensure_future(lanes.submit(2))
        await turns()
        lane.go.release()
        lane.go.release()
        assert await asyncio.wait_for(asyncio.gather(first, second), 60) == [-1, -2]


async def test_a_full_batch_is_not_waited_for(patient: None) -> None:
    lane = Lane()
    async with opened(lane, batch_limit=2) as lanes:
        calls = [asyncio.ensure_future(lanes.submit(call)) for call in range(5)]
        await turns()
        for _ in range(3):
            lane.go.release()
        # Two are full; the last one waits for those two that were answered, as it may.
        await asyncio.gather(*calls[:4])
        assert lane.seen == [[0, 1], [2, 3]]
        asyncio.get_running_loop().call_soon(lanes._arrived.set)
        assert await calls[4] == -4


async def test_closing_waits_for_nobody(patient: None) -> None:
    lane = Lane()
    async with opened(lane) as lanes:
        calls = [asyncio.ensure_future(lanes.submit(call)) for call in (1, 2)]
        await turns()
        third = asyncio.ensure_future(lanes.submit(3))
        await turns()
        lane.go.release()
        await asyncio.gather(*calls)
        await turns()
        assert lane.seen == [[1, 2]], "it lingers"
        closing = asyncio.create_task(lanes.close())
        lane.go.release()
        await asyncio.wait_for(closing, 60)
        assert await third == -3
        with pytest.raises(Problem, match="overloaded"):
            await lanes.submit(4)
