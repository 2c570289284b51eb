"""Costly choices of vouchers take turns, so that those of one customer hold nobody else up.

A choice that is done within its first slice is never in a queue. One that is not waits for its turn. One of them runs
at a time for a worker: in a process apart, or here slice by slice, with others' requests between the slices. Whose turn
it is goes round among the customers; a customer who has one under way waits with the next, however small it is.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

from lingdang.coupons.work import Steps
from lingdang.db.refusing import Refusing
from lingdang.errors import retry_later
from lingdang.pacing import Pacing

T = TypeVar("T")

Apart = Callable[[], Awaitable[T | None]]

MOST_OF_ONE = 16
"""Choices of one customer that may wait; one more is refused with 429."""
MOST_OF_ALL = 2000
"""Choices that may wait in one worker; one more is refused with 503."""
SECONDS = 5.0
"""A choice that has not had its turn by then is refused with 503."""

_Turn = asyncio.Future[None]


class FairQueue:
    """One worker's queue of choices. `seconds` as SECONDS."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._waiting: dict[str, deque[tuple[_Turn, float]]] = {}
        """The queues of the customers who have any, in the order of their turns."""
        self._count = 0
        self._running: str | None = None
        self._refusing = Refusing()
        self._pacing = Pacing()

    def __len__(self) -> int:
        """How many wait."""
        return self._count

    async def admit(self, cust_id: str) -> None:
        """Raises Problem `rate_limited` when too many choices of the customer wait already."""
        if len(self._waiting.get(cust_id, ())) >= MOST_OF_ONE:
            await self._pacing.hold()  # who repeats at once does not have it looked at as often
            raise retry_later("rate_limited", 1, why=f"{MOST_OF_ONE} checkouts of the customer wait already")

    async def take(self, cust_id: str, steps: Steps[T], apart: Apart[T] | None = None) -> T:
        """Take the steps to their end. Raises Problem `rate_limited` or `overloaded`, and whatever they raise.

        `apart` is asked first, once the turn has come: it does the same elsewhere, or answers None if it cannot.
        """
        if cust_id != self._running and cust_id not in self._waiting:
            try:
                next(steps)
            except StopIteration as stop:
                return cast(T, stop.value)
        await self._turn(cust_id)
        try:
            done = await apart() if apart is not None else None
            return await _finish(steps) if done is None else done
        finally:
            self._pass_on()

    async def _turn(self, cust_id: str) -> None:
        """Wait until it is this choice's turn."""
        if self._running is None:
            self._running = cust_id
            return
        await self.admit(cust_id)
        if self._count >= MOST_OF_ALL:
            raise retry_later("overloaded", self._refusing.seconds())
        turn: _Turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(cust_id, deque()).append((turn, time.monotonic() + self._seconds))
        self._count += 1
        try:
            await turn
        except asyncio.CancelledError:
            # Who goes away just when their turn has come passes it on.
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        """The next customer's turn; those who have gone away or waited too long have none."""
        self._running = None
        while self._waiting and self._running is None:
            cust_id = next(iter(self._waiting))
            queue = self._waiting.pop(cust_id)
            turn, deadline = queue.popleft()
            self._count -= 1
            if queue:
                self._waiting[cust_id] = queue
            if turn.done():
                continue
            if deadline < time.monotonic():
                turn.set_exception(retry_later("overloaded", 1))
            else:
                self._running = cust_id
                turn.set_result(None)


async def _finish(steps: Steps[T]) -> T:
    """Take the steps here, with others' requests between them."""
    while True:
        await asyncio.sleep(0)
        try:
            next(steps)
        except StopIteration as stop:
            return cast(T, stop.value)
