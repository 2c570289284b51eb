"""How long a payment is repeated while no final answer comes."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import random


@dataclass(frozen=True)
class Retry:
    """Bounded exponential back-off with jitter. All times in seconds.

    A `Retry-After` that is longer than the pause is honoured up to `longest_wait`; beyond it the client gives up.
    """

    attempts: int = 8
    first: float = 0.25
    most: float = 10.0
    longest_wait: float = 60.0

    def pauses(self) -> Iterator[float]:
        """The pause after each attempt but the last: between half and all of first·2ⁿ, at most `most`."""
        for turn in range(self.attempts - 1):
            yield min(self.most, self.first * 2**turn) * (0.5 + random() / 2)  # noqa: S311 - jitter is no secret
