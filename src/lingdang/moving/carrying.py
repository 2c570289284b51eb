"""Carrying a move out: its lots and rights as commands to the ledger, in large batches.

Two batches are under way at once, so that PostgreSQL writes one while the next is decided. Whatever a batch finds done
is left as it is: it may be broken off anywhere, and repeated.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

from lingdang.catalog.memory import Memory
from lingdang.db.lane import Lane
from lingdang.deployment import Deployment
from lingdang.errors import Problem
from lingdang.ids import bucket_of
from lingdang.ledger import store
from lingdang.ledger.rules import Command, Result
from lingdang.ledger.settlement import BucketLane

PAGE = 1000
"""Commands of one batch, whose customers are locked together."""
AT_ONCE = 2
GIVE_UP_SECONDS = 60.0

_PASSING = ("overloaded", "outcome_unknown")


T = TypeVar("T")


class Item(NamedTuple, Generic[T]):
    """A command, and what it was made of."""

    source: T
    command: Command


async def carry_out(
    deployment: Deployment,
    pages: Callable[[], Sequence[Item[T]]],
    done: Callable[[Sequence[tuple[Item[T], Result]]], None],
) -> None:
    """Settle every page of commands: `pages` answers the next one each time, called from a thread, one call at a time;
    an empty one is the end. `done` is told each batch's results once they are durable.

    Raises Problem `overloaded` or `outcome_unknown` when the database stays away; what was told as done is done.
    """
    turn = asyncio.Lock()

    async def work() -> None:
        lanes = _Lanes(deployment)
        try:
            while True:
                async with turn:
                    page = await asyncio.to_thread(pages)
                if not page:
                    return
                done(await lanes.settle(page))
        finally:
            await lanes.close()

    tasks = [asyncio.create_task(work()) for _ in range(AT_ONCE)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Lanes:
    """A lane for each bucket, opened with its first batch."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._lanes: dict[int, BucketLane] = {}

    async def settle(self, page: Sequence[Item[T]]) -> list[tuple[Item[T], Result]]:
        settled: list[tuple[Item[T], Result]] = []
        for bucket, items in self._by_bucket(page).items():
            results = await self._lane(bucket).run([item.command for item in items])
            for result in results:
                if isinstance(result, Problem) and result.code in _PASSING:
                    raise result
            settled += zip(items, results, strict=True)
        return settled

    async def close(self) -> None:
        for lane in self._lanes.values():
            await lane.close()

    def _by_bucket(self, page: Sequence[Item[T]]) -> dict[int, list[Item[T]]]:
        found: dict[int, list[Item[T]]] = {}
        for item in page:
            found.setdefault(bucket_of(item.command.customer, self._deployment.buckets), []).append(item)
        return found

    def _lane(self, bucket: int) -> BucketLane:
        if bucket not in self._lanes:
            lane = Lane(self._deployment.database_url, False, begin=store.begin(bucket))
            self._lanes[bucket] = BucketLane(bucket, lane, Memory(), self._deployment.clock, GIVE_UP_SECONDS)
        return self._lanes[bucket]
