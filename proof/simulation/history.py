"""What the clients saw: every request with its answer, in the order in which things happened."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

INCONCLUSIVE = frozenset({"lost", "overloaded", "outcome_unknown"})
"""After these a client repeats its request. `lost`: no answer came."""

FOREVER = 1 << 60


@dataclass(slots=True)
class Request:
    """One request. `sent` and `answered` are places in the order of all events, FOREVER where there is no answer.

    `clock` is the asked worker's clock when it was handed the request, `latest` the most advanced that any clock has
    ever been when the answer came. `outcome` is "ok" or the refusal's code, or "lost"; `body` the answer, or the
    refusal's members.
    """

    kind: str
    cust_id: str
    about: Any
    worker: int
    sent: int
    clock: datetime
    wanted: dict[str, Any]
    answered: int = FOREVER
    latest: datetime | None = None
    outcome: str = "lost"
    replayed: bool = False
    body: dict[str, Any] = field(default_factory=dict)
    final: bool = False
    """Sent after all faults had ended."""


@dataclass(slots=True)
class Event:
    """Something the world did: `what` to `whom`, begun and done."""

    what: str
    whom: str
    begun: int
    done: int


@dataclass
class History:
    """All that is known outside of the database."""

    requests: list[Request] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    stood: set[tuple[str, str]] = field(default_factory=set)
    """Customer and id of what was in the database when the faults had ended, before all was sent once more."""
    now: int = 0

    def tick(self) -> int:
        """The next place in the order of events."""
        self.now += 1
        return self.now
