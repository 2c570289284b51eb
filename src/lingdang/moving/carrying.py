"""Carrying a move out: its lots and rights as commands to the ledger, in large batches.

Two batches are under way at once, so that PostgreSQL writes one while the next is decided. Whatever a batch finds done
is left as it is: it may be broken off anywhere, and repeated.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

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


class Placed(Protocol):
    """A row of a move. `place` is where it stands among the rows that are to be carried out."""

    @property
    def place(self) -> int: ...


T = TypeVar("T", bound=Placed)


async def carry_out(
    deployment: Deployment,
    rows_after: Callable[[int], Sequence[T]],
    command: Callable[[T], Command],
    settled: Callable[[T, Result], None],
    progress: Callable[[int], None],
) -> None:
    """Settle the command of every row: `rows_after` answers the next PAGE of them behind a place, called from a thread,
    one call at a time; none is the end. `settled` is told each result once it is durable, `progress` how many were.

    Raises Problem `overloaded` or `outcome_unknown` when the database stays away; what was told as settled is done.
    """
    turn = asyncio.Lock()
    after = done = 0

    async def work() -> None:
        nonlocal after, done
        lanes = _Lanes(deployment)
        try:
            while True:
                async with turn:
                    rows = await asyncio.to_thread(rows_after, after)
                    if not rows:
                        return
                    after = rows[-1].place
                for row, result in await lanes.settle([(row, command(row)) for row in rows]):
                    settled(row, result)
                done += len(rows)
                progress(done)
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

    async def settle(self, page: Sequence[tuple[T, Command]]) -> list[tuple[T, Result]]:
        settled: list[tuple[T, Result]] = []
        for bucket, items in self._by_bucket(page).items():
            results = await self._lane(bucket).run([command for _, command in items])
            for result in results:
                if isinstance(result, Problem) and result.code in _PASSING:
                    raise result
            settled += zip([row for row, _ in items], results, strict=True)
        return settled

    async def close(self) -> None:
        for lane in self._lanes.values():
            await lane.close()

    def _by_bucket(self, page: Sequence[tuple[T, Command]]) -> dict[int, list[tuple[T, Command]]]:
        found: dict[int, list[tuple[T, Command]]] = {}
        for row, command in page:
            found.setdefault(bucket_of(command.customer, self._deployment.buckets), []).append((row, command))
        return found

    def _lane(self, bucket: int) -> BucketLane:
        if bucket not in self._lanes:
            lane = Lane(self._deployment.database_url, False, begin=store.begin(bucket))
            self._lanes[bucket] = BucketLane(bucket, lane, Memory(), self._deployment.clock, GIVE_UP_SECONDS)
        return self._lanes[bucket]
