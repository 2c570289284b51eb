"""Notifications on their way: lost, late, doubled, shuffled, or with a forged one beside them."""

import heapq
import itertools
import threading
import time
from collections.abc import Sequence

import httpx

from proof.standin.desk import Desk, Message
from proof.standin.faults import Chance
from proof.standin.web import Answer, Handler, Request

RETRY_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0)
"""After so long a notification that was not accepted is sent again. Providers take minutes and hours."""


def journeys(message: Message, desk: Desk, chance: Chance) -> Sequence[tuple[float, Message]]:
    """What arrives in the place of one notification, each with its delay in seconds."""
    faults = chance.faults
    if chance.happens(faults.lost):
        return ()
    times = chance.times() if chance.happens(faults.doubled) else 1
    arriving = [(0.0, message)] * times
    if chance.happens(faults.forged):
        arriving.append((0.0, desk.broken(message, chance.one_of(desk.breaks))))
    delays = (chance.delay() for _ in arriving)
    return tuple((delay, each) for delay, (_, each) in zip(delays, arriving, strict=True))


def faulty(handler: Handler, chance: Chance) -> Handler:
    """The handler, but unavailable, gone or slow at times."""

    def answer(request: Request) -> Answer | None:
        if chance.happens(chance.faults.slow):
            time.sleep(chance.faults.slow_seconds)
        if chance.happens(chance.faults.vanished):
            return None
        return Answer(503) if chance.happens(chance.faults.unavailable) else handler(request)

    return answer


class Sender:
    """Sends notifications over HTTP, in a thread of its own, again until they are accepted."""

    def __init__(self) -> None:
        self.accepted: list[Message] = []
        self.refused: list[Message] = []
        """Those that were never accepted, however often they were sent."""
        self._due: list[tuple[float, int, int, Message]] = []
        self._count = itertools.count()
        self._changed = threading.Condition()
        self._ended = False
        self._client = httpx.Client(timeout=10)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def send(self, message: Message, delay: float = 0.0, tries: int = 0) -> None:
        """Have it sent so many seconds from now. One that goes nowhere is dropped."""
        if message.url is None:
            return
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + delay, next(self._count), tries, message))
            self._changed.notify()

    def end(self) -> None:
        """Send no more."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._thread.join()
        self._client.close()

    def _run(self) -> None:
        while (due := self._next()) is not None:
            tries, message = due
            if self._arrives(message):
                self.accepted.append(message)
            elif tries < len(RETRY_SECONDS):
                self.send(message, RETRY_SECONDS[tries], tries + 1)
            else:
                self.refused.append(message)

    def _next(self) -> tuple[int, Message] | None:
        with self._changed:
            while not self._ended:
                if not self._due:
                    self._changed.wait()
                elif (wait := self._due[0][0] - time.monotonic()) > 0:
                    self._changed.wait(wait)
                else:
                    _, _, tries, message = heapq.heappop(self._due)
                    return tries, message
        return None

    def _arrives(self, message: Message) -> bool:
        try:
            answer = self._client.post(message.url or "", headers=dict(message.headers), content=message.body)
        except httpx.HTTPError:
            return False
        return answer.is_success and message.accepted in (None, answer.content)
