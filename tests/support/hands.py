"""A clock whose hands a test moves: what is to end ends at once, and on a slow machine not before."""

from datetime import datetime, timedelta

from lingdang.clock import system_clock


class Hands:
    """The system's clock, put forward by as much as it was told."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return system_clock() + self._ahead

    def forward(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)
