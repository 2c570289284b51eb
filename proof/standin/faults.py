"""What goes wrong between a provider and the shop, and how often: a plan that a seed makes the same each time."""

import random
import threading
from dataclasses import dataclass
from typing import Literal

Wrong = Literal["amount", "currency", "merchant", "order"]
"""What a genuine payment has that was not agreed."""
WRONG: tuple[Wrong, ...] = ("amount", "currency", "merchant", "order")

Break = Literal["body", "signature", "stale", "ahead", "serial", "probe", "not utf-8"]
"""How a notification is forged. `serial` and `probe` are WeChat's."""


@dataclass(frozen=True)
class Faults:
    """Each is a share of 1. Notifications: `lost` never arrive, `doubled` arrive twice or more, `late` after
    `late_seconds`, `shuffled` after a later one, `forged` have a forged one beside them. Requests: `unavailable` are
    answered 5xx, `vanished` not at all, `slow` after `slow_seconds`. Before `paid_at_close` of what is closed somebody
    pays."""

    seed: int = 0
    lost: float = 0.0
    doubled: float = 0.0
    late: float = 0.0
    late_seconds: float = 2.0
    shuffled: float = 0.0
    forged: float = 0.0
    wrong: float = 0.0
    unavailable: float = 0.0
    vanished: float = 0.0
    slow: float = 0.0
    slow_seconds: float = 1.0
    paid_at_close: float = 0.0


class Chance:
    """Draws by a plan. Threads may share it."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self._random = random.Random(faults.seed)
        self._lock = threading.Lock()

    def happens(self, share: float) -> bool:
        """Whether something of this share happens now."""
        with self._lock:
            return self._random.random() < share

    def times(self) -> int:
        """How often a doubled notification arrives."""
        with self._lock:
            return self._random.randint(2, 5)

    def delay(self) -> float:
        """How late a notification is: a little at random when it is shuffled with others."""
        with self._lock:
            late = self.faults.late_seconds if self._random.random() < self.faults.late else 0.0
            return late + (self._random.random() if self._random.random() < self.faults.shuffled else 0.0)

    def wrong(self) -> Wrong | None:
        """What is wrong with the next payment."""
        if not self.happens(self.faults.wrong):
            return None
        with self._lock:
            return self._random.choice(WRONG)

    def one_of(self, breaks: tuple[Break, ...]) -> Break:
        """How the next forged notification is forged."""
        with self._lock:
            return self._random.choice(breaks)
