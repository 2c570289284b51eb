"""What is open to all and costs much, made at most once a second."""

import time
from collections.abc import Callable

_FRESH_SECONDS = 1.0


class Kept:
    """What `make` gives, made at most once a second."""

    def __init__(self, make: Callable[[], bytes], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._make = make
        self._monotonic = monotonic
        self._made = b""
        self._at = -_FRESH_SECONDS

    def __call__(self) -> bytes:
        now = self._monotonic()
        if now - self._at >= _FRESH_SECONDS:
            self._made, self._at = self._make(), now
        return self._made
