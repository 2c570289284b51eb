"""Customers side by side at one endpoint: each one's events in their order, and nobody waits for another one's answer.

Where an event has been under way for a while, its customer leaves the page: the page is done with, and the request goes
on beside those of the next pages.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog

from lingdang.events.webhooks.held import Whose
from lingdang.events.webhooks.leases import EndedError
from lingdang.events.webhooks.messages import Told
from lingdang.events.webhooks.running import Run
from lingdang.events.webhooks.sending import Answer

AT_ONCE = 8
"""Customers whose events are under way to an endpoint at the same time, those who have left their pages among them."""
PATIENCE_SECONDS = 1.0
"""A page waits for so long without an answer; then it is left by whoever is still under way."""

Work = Callable[[], Coroutine[None, None, Answer | None]]
"""Sends, and writes down what became of it. Answers with what stops the endpoint."""

_log = structlog.get_logger(__name__)


class Strand:
    """A customer's events of a page, on their way."""

    def __init__(self, run: Run, events: Sequence[Told]) -> None:
        self.run = run
        self.events = events
        self.whose: Whose = events[0].whose
        self.task = asyncio.create_task(run.in_order(events))

    def answered(self) -> int:
        """How many of them were answered."""
        return sum(each.event.id in self.run.done for each in self.events) + (self.whose in self.run.failures)


class Strands:
    """What is under way to one endpoint, from page to page."""

    def __init__(self) -> None:
        self._left: dict[Strand, asyncio.Task[Answer | None]] = {}
        self._again: set[asyncio.Task[Answer | None]] = set()
        self._ended: EndedError | None = None
        self._stopped: Answer | None = None

    async def send(self, run: Run, customers: Iterable[Sequence[Told]], may_leave: Callable[[], bool]) -> list[Strand]:
        """Send each customer's events. Returns those that are still under way where `may_leave` allows it, to be kept
        or cancelled. Raises what a strand raised."""
        strands: list[Strand] = []
        try:
            for events in customers:
                await self._room(strands)
                strands.append(Strand(run, events))
            return await _rest(strands, may_leave)
        except BaseException:
            await _cancelled([strand.task for strand in strands])
            raise

    async def _room(self, strands: Sequence[Strand]) -> None:
        """Wait until one more may be under way."""
        while True:
            tasks = [strand.task for strand in strands if not strand.task.done()]
            if len(tasks) + len(self._left) < AT_ONCE:
                return
            await asyncio.wait([*tasks, *self._left.values()], return_when=asyncio.FIRST_COMPLETED)
            _raise_first(strand.task for strand in strands if strand.task.done())

    @asynccontextmanager
    async def leaving(self, strands: Sequence[Strand], tried: set[Whose]) -> AsyncIterator[None]:
        """A block in which these leave their page: nothing more of each is sent than is under way; `tried` has
        whose it is. Where the block fails, they end."""
        for strand in strands:
            strand.run.left.add(strand.whose)
            tried.add(strand.whose)
        try:
            yield
        except BaseException:
            await _cancelled([strand.task for strand in strands])
            tried.difference_update(strand.whose for strand in strands)
            raise

    def keep(self, strand: Strand, work: Work) -> None:
        """Have `work` wait for a strand that has left its page, and write down what became of it."""
        task = self._left[strand] = asyncio.create_task(work())
        task.add_done_callback(self._note)
        task.add_done_callback(lambda _: self._left.pop(strand))

    async def try_again(self, works: Iterable[Work], most: int) -> None:
        """Do these, up to so many at a time. What has not ended when none of them has for a while goes on by itself.
        Raises what one of them raised."""
        tasks: list[asyncio.Task[Answer | None]] = []
        try:
            for work in works:
                while len(self._again) >= most:
                    await asyncio.wait(self._again, return_when=asyncio.FIRST_COMPLETED)
                tasks.append(asyncio.create_task(work()))
                self._again.add(tasks[-1])
                tasks[-1].add_done_callback(self._again.discard)
            left = await _none_ends(tasks)
        except BaseException:
            await _cancelled(tasks)
            raise
        for task in left:
            task.add_done_callback(self._note)
        _raise_first(task for task in tasks if task.done())

    def _note(self, task: asyncio.Task[Answer | None]) -> None:
        """See what came of what nobody waits for."""
        if task.cancelled():
            return
        error = task.exception()
        if isinstance(error, EndedError):
            self._ended = error
        elif error is not None:
            _log.warning("delivery_not_written_down", exc_info=error)  # it is held, and tried again
        else:
            self._stopped = task.result() or self._stopped

    def look(self) -> Answer | None:
        """The answer to what had left its page after which nothing more is to be sent, told once. Raises the EndedError
        that ends the courier."""
        if self._ended is not None:
            raise self._ended
        stopped, self._stopped = self._stopped, None
        return stopped

    async def close(self) -> None:
        """End what is under way."""
        await _cancelled([*self._left.values(), *(strand.task for strand in self._left), *self._again])


async def _rest(strands: Sequence[Strand], may_leave: Callable[[], bool]) -> list[Strand]:
    """Wait until all have ended, or none of those that have not was answered for a while. Returns these."""
    while True:
        under_way = {strand: strand.answered() for strand in strands if not strand.task.done()}
        if under_way:
            await asyncio.wait([strand.task for strand in under_way], timeout=PATIENCE_SECONDS)
        _raise_first(strand.task for strand in strands if strand.task.done())
        slow = {strand: answered for strand, answered in under_way.items() if not strand.task.done()}
        if not slow or (may_leave() and all(strand.answered() == answered for strand, answered in slow.items())):
            return list(slow)


async def _none_ends(tasks: Sequence[asyncio.Task[Answer | None]]) -> list[asyncio.Task[Answer | None]]:
    """Wait until all have ended, or none of the others has for a while. Returns these."""
    while left := [task for task in tasks if not task.done()]:
        ended, _ = await asyncio.wait(left, timeout=PATIENCE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not ended:
            break
    return left


def _raise_first(ended: Iterable[asyncio.Task[Any]]) -> None:
    """Raise what one of these raised, first of all what ends the courier."""
    errors = [error for task in ended if (error := task.exception()) is not None]
    if errors:
        raise next((error for error in errors if isinstance(error, EndedError)), errors[0])


async def _cancelled(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
