"""Gathering: while one batch runs, the next calls gather, and are then run together.

No timer and no added delay when idle: a lone call is a batch of one at once. The queue is bounded, a call that
waited past its deadline is refused without having been run, and closing drains what was accepted.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, NoReturn, TypeVar

import msgspec
import structlog

from lingdang.db.refusing import Refusing
from lingdang.errors import Problem, retry_later

C = TypeVar("C")
R = TypeVar("R")

LINGER_SECONDS = 0.002
"""How long a busy lane waits at most for those it has just answered, who are likely to ask again."""

_log = structlog.get_logger(__name__)

Run = Callable[[Sequence[C]], Awaitable[Sequence[R | Problem]]]
"""Runs one batch and answers one result, or one refusal, for each call, in their order."""


ObserveBatch = Callable[[int, float], None]
"""Called after each batch with its size and its seconds."""


class _Waiting(msgspec.Struct, Generic[C, R]):
    call: C
    answer: "asyncio.Future[R]"
    deadline: float


def _not_open() -> NoReturn:
    raise RuntimeError("this lane is not open")


class Gather(Generic[C, R]):
    """One lane of batches, run one after the other by `run`."""

    def __init__(
        self,
        run: Run[C, R],
        *,
        queue_limit: int,
        batch_limit: int,
        seconds: float,
        observe: ObserveBatch = lambda *_: None,
    ) -> None:
        self._run = run
        self._queue_limit = queue_limit
        self._batch_limit = batch_limit
        self._seconds = seconds
        self._observe = observe
        self._queue: deque[_Waiting[C, R]] = deque()
        self._arrived = asyncio.Event()
        self._wanted = 1
        """How many have to wait until the next batch begins."""
        self._refusing = Refusing()
        self._closing = False
        self._task: asyncio.Task[None] | None = None
        self._new_answer: Callable[[], asyncio.Future[Any]] = _not_open
        self.seconds_run = 0.0
        """How long batches have run so far, all together."""
        self.calls_run = 0
        """How many calls were in them."""

    def __len__(self) -> int:
        """How many calls wait."""
        return len(self._queue)

    def has_room(self) -> bool:
        """Whether a call would be taken now."""
        return not self._closing and len(self._queue) < self._queue_limit

    def refusal(self) -> Problem:
        """What a call is told for which there is no room."""
        return retry_later("overloaded", self._refusing.seconds())

    def open(self) -> None:
        """Start running batches, on the running event loop."""
        loop = asyncio.get_running_loop()
        self._new_answer = loop.create_future
        self._task = loop.create_task(self._loop())

    async def close(self) -> None:
        """Refuse new calls, run those that were accepted, and stop."""
        self._closing = True
        self._arrived.set()
        if self._task is not None:
            await self._task

    def submit(self, call: C) -> "asyncio.Future[R]":
        """Run `call` in a coming batch of an open lane. The future gets its answer, or the Problem it is refused with.

        Raises Problem `overloaded` when there is no room for it.
        """
        if not self.has_room():
            raise self.refusal()
        answer: asyncio.Future[R] = self._new_answer()
        self._queue.append(_Waiting(call, answer, time.monotonic() + self._seconds))
        if len(self._queue) >= self._wanted:
            self._arrived.set()
        return answer

    async def _loop(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._queue:
                batch = self._take()
                await self._run_batch(batch)
                await self._linger(len(batch))
            if self._closing:
                return

    async def _linger(self, answered: int) -> None:
        """In a lane that is kept busy, wait for a moment until the batch is worth its flush; never when none waits."""
        waiting = len(self._queue)
        if not waiting or self._closing:
            return
        self._wanted = min(waiting + answered, self._batch_limit)
        if waiting < self._wanted:
            self._arrived.clear()
            timer = asyncio.get_running_loop().call_later(LINGER_SECONDS, self._arrived.set)
            await self._arrived.wait()
            timer.cancel()
        self._wanted = 1

    def _take(self) -> list[_Waiting[C, R]]:
        now = time.monotonic()
        batch: list[_Waiting[C, R]] = []
        while self._queue and len(batch) < self._batch_limit:
            waiting = self._queue.popleft()
            if waiting.answer.cancelled():
                continue
            if waiting.deadline < now:
                waiting.answer.set_exception(retry_later("overloaded", 1))
            else:
                batch.append(waiting)
        return batch

    async def _run_batch(self, batch: list[_Waiting[C, R]]) -> None:
        if not batch:
            return
        started = time.perf_counter()
        try:
            results = await self._run([waiting.call for waiting in batch])
        except Exception as error:
            if not isinstance(error, Problem):
                _log.exception("batch_failed", size=len(batch))
                error = Problem("internal_error")
            results = [error] * len(batch)
        seconds = time.perf_counter() - started
        self.seconds_run += seconds
        self.calls_run += len(batch)
        self._observe(len(batch), seconds)
        for waiting, result in zip(batch, results, strict=True):
            if waiting.answer.cancelled():
                continue
            if isinstance(result, Problem):
                waiting.answer.set_exception(result)
            else:
                waiting.answer.set_result(result)
