"""Sending events in their order, and judging from the answers whether an event fails or the endpoint does.

An event that fails holds up its customer's next ones. An endpoint fails when many customers' events fail one after the
other and none arrives: then nothing is held, and the endpoint is looked at again later.
"""

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from lingdang.events.webhooks.held import Whose
from lingdang.events.webhooks.messages import Told
from lingdang.events.webhooks.sending import Answer

FAILING = 5
"""Customers whose events fail one after the other, with none that arrives between them, until the endpoint fails."""
GONE, TOO_MANY = 410, 429

Send = Callable[[Sequence[Told]], Awaitable[Answer]]


class Failure(msgspec.Struct, frozen=True):
    """An event that was not accepted, with the answer."""

    told: Told
    answer: Answer


class Health:
    """What the answers of a turn say of an endpoint. `stopped` is the answer after which nothing more is sent for now.

    An endpoint at which something arrived in the turn does not fail: what does not arrive then is an event's matter.
    So it is when the same events make it stop a second time; `suspects` remembers whose the first time was. `failed`
    remembers from turn to turn whose events failed since something arrived: where little happens, a turn has one event.
    """

    def __init__(self, arrived: bool, suspects: set[Whose], failed: set[Whose] | None = None) -> None:
        self._arrived = arrived
        self._suspects = suspects
        self._failed: set[Whose] = set() if failed is None else failed
        self.own: set[Whose] = set()
        """Whose events fail for their own sake: others arrived meanwhile."""
        self.stopped: Answer | None = None

    def accepted(self) -> None:
        """Something arrived."""
        self._arrived = True
        self._failed.clear()

    def stops(self, events: Sequence[Told], answer: Answer) -> bool:
        """Whether nothing more is to be sent after these events were answered so."""
        whose = {each.whose for each in events}
        if len(events) == 1:
            self._failed |= whose - self.own
        fails = not self._arrived and len(self._failed) >= FAILING
        if fails or answer.status == GONE or self._asks_for_rest(events, answer, whose):
            self.stopped = answer
        return self.stopped is not None

    def _asks_for_rest(self, events: Sequence[Told], answer: Answer, whose: set[Whose]) -> bool:
        if answer.status != TOO_MANY and (answer.status is not None or len(events) == 1):
            return False
        known = whose <= self._suspects
        self._suspects |= whose
        return not known


class Run:
    """Some events on their way: `done` has the ids of those that arrived, `failures` the first of each customer that
    did not. `may` answers whether they may still be sent."""

    def __init__(
        self, send: Send, size: int, health: Health, may: Callable[[], Awaitable[bool]], done: set[str]
    ) -> None:
        self._send = send
        self._size = size
        self._health = health
        self._may = may
        self.done = done
        self.failures: dict[Whose, Failure] = {}
        self.left: set[Whose] = set()
        """Of whom nothing more is sent: what is under way is the last."""
        self.last: Answer | None = None
        """How the last message was answered."""

    async def in_order(self, events: Sequence[Told]) -> None:
        """Send these one message after the other; what comes behind a failure of its customer is left out."""
        for start in range(0, len(events), self._size):
            await self._together(events[start : start + self._size])

    async def _together(self, events: Sequence[Told]) -> None:
        ended = self.failures.keys() | self.left
        events = [each for each in events if each.whose not in ended and each.event.id not in self.done]
        if not events or self._health.stopped is not None or not await self._may():
            return
        self.last = answer = await self._send(events)
        if answer.accepted:
            self._health.accepted()
            self.done.update(each.event.id for each in events)
        elif self._health.stops(events, answer):
            return
        elif len(events) == 1:
            self.failures[events[0].whose] = Failure(events[0], answer)
        else:
            # One of them may be the reason: it is found by halves, and the others arrive.
            half = len(events) // 2
            await self._together(events[:half])
            await self._together(events[half:])
