"""What customers and newcomers lived through, as it is told by the process that they are in."""

import asyncio
import time
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import NamedTuple

import msgspec

from proof.faults.overload.buyers import Event
from proof.faults.overload.children import child, heard
from proof.faults.overload.site import Site

_decode = msgspec.json.Decoder(Event).decode


class Span(NamedTuple):
    """Two moments of the monotonic clock."""

    began: float
    ended: float

    @property
    def seconds(self) -> float:
        return self.ended - self.began


class Newcomers(NamedTuple):
    """How many signed in, the longest that one waited for that in seconds, and what the others were told."""

    entered: int
    slowest: float
    shut_out: Counter[str]


class History:
    """Every event so far."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._more = asyncio.Event()

    def add(self, event: Event) -> None:
        """The next event."""
        self.events.append(event)
        self._more.set()

    def paid(self, span: Span) -> int:
        """How many purchases ended in this span."""
        return sum(1 for _ in self._of("paid", span))

    def refusals(self, span: Span) -> Counter[str]:
        """What customers were answered instead, or that their connection broke."""
        return Counter(event.detail for event in self._of("refused", span))

    def newcomers(self, span: Span) -> Newcomers:
        """Those whose sign-in ended in this span."""
        entered = [event.seconds for event in self._of("entered", span)]
        shut_out = Counter(event.detail for event in self._of("shut out", span))
        return Newcomers(len(entered), max(entered, default=0.0), shut_out)

    def longest_gap(self, span: Span) -> float:
        """The longest time within the span without any purchase, in seconds."""
        moments = [span.began, *(event.at for event in self._of("paid", span)), span.ended]
        return max(later - earlier for earlier, later in pairwise(moments))

    def order_ids(self) -> list[str]:
        """The orders that customers were told were paid."""
        return [event.detail for event in self.events if event.what == "paid"]

    async def purchase(self, patience: float) -> None:
        """Wait for the next purchase. Raises TimeoutError."""
        now = time.monotonic()
        async with asyncio.timeout(patience):
            while not self.paid(Span(now, time.monotonic())):
                self._more.clear()
                await self._more.wait()

    def _of(self, what: str, span: Span) -> Iterator[Event]:
        began, ended = span
        return (event for event in self.events if event.what == what and began <= event.at < ended)


@asynccontextmanager
async def buying(site: Site) -> AsyncIterator[History]:
    """The site's customers buy for as long as the block; at its end every purchase begun is brought to its end."""
    history = History()
    async with child("proof.faults.overload.buyers", site) as process:
        following = asyncio.create_task(_follow(process, history))
        try:
            yield history
        finally:
            assert process.stdin is not None, "it was asked for"
            process.stdin.close()
            async with asyncio.timeout(60):
                await following


async def _follow(process: Process, history: History) -> None:
    while line := await heard(process):
        history.add(_decode(line))
