"""How deliveries of an endpoint go: the last attempts with their answers, and how long events take to arrive."""

from collections import deque
from collections.abc import Iterable
from datetime import datetime
from operator import attrgetter

import msgspec

from lingdang.events.webhooks.sending import Answer

KEPT_ACCEPTED, KEPT_FAILED = 5, 15
"""Attempts that are shown. Those that failed are told apart: what goes well would soon leave none of them."""
KEPT_DELAYS = 1000


class Attempt(msgspec.Struct, frozen=True, rename="camel"):
    """One request to an endpoint, and how it was answered. `status` is null where nothing came back."""

    message_id: str
    at: datetime
    events: int
    status: int | None
    milliseconds: int
    body: str
    reason: str | None

    @property
    def accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class Delays(msgspec.Struct, frozen=True, rename="camel"):
    """What half, and 99 of 100, of the last 1,000 events took from when they happened until they arrived."""

    p50: int
    p99: int


class Figures(msgspec.Struct, frozen=True, rename="camel"):
    """The last attempts, the newest first, and the delays of what arrived last; null before anything did."""

    attempts: list[Attempt] = []
    delays: Delays | None = None


def attempt(message_id: str, now: datetime, events: int, answer: Answer) -> Attempt:
    """An attempt that ended now."""
    took = round(answer.seconds * 1000)
    return Attempt(message_id, now, events, answer.status, took, answer.body, answer.reason)


class Record:
    """What one courier has seen. It goes on from what the one before wrote down."""

    def __init__(self, before: Figures) -> None:
        self._kept = {
            accepted: deque((each for each in reversed(before.attempts) if each.accepted == accepted), most)
            for accepted, most in ((True, KEPT_ACCEPTED), (False, KEPT_FAILED))
        }
        self._delays: deque[int] = deque(maxlen=KEPT_DELAYS)
        self._before = before.delays
        self.changed = False

    @property
    def accepted_at(self) -> datetime | None:
        """When something arrived last."""
        kept = self._kept[True]
        return kept[-1].at if kept else None

    def note(self, made: Attempt, happened: Iterable[datetime]) -> None:
        """One attempt, and when its events happened."""
        self.changed = True
        self._kept[made.accepted].append(made)
        if made.accepted:
            self._delays.extend(max(0, round((made.at - moment).total_seconds() * 1000)) for moment in happened)

    def figures(self) -> Figures:
        """As they are now, to be written down."""
        self.changed = False
        attempts = [each for kept in self._kept.values() for each in kept]
        return Figures(sorted(attempts, key=attrgetter("at"), reverse=True), self._percentiles() or self._before)

    def _percentiles(self) -> Delays | None:
        if not self._delays:
            return None
        ordered = sorted(self._delays)
        # The nearest rank: of two events the 99 of 100 took as long as the slower one.
        return Delays(*(ordered[-(-len(ordered) * share // 100) - 1] for share in (50, 99)))
