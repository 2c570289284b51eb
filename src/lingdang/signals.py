"""Signals that ask a process to end: each is an orderly end, also when a terminal is closed."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

NAMES = ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGBREAK")
"""Those of them that the system has. SIGHUP comes when a terminal is closed, SIGQUIT from Ctrl-\\."""
NUMBERS = tuple(getattr(signal, name) for name in NAMES if hasattr(signal, name))
_HANGUP = getattr(signal, "SIGHUP", None)


class StopAsked:
    """Whether the process was asked to end: once is in order, a second time is at once."""

    def __init__(self) -> None:
        self.to_stop = False
        self.at_once = False
        self.starting = True
        """While it is: a second signal breaks off what takes so long."""

    def listen(self) -> None:
        """From now on take note of the signals instead of being ended by them.

        One that was ignored from the start stays so: `nohup` means that a closed terminal is no reason.
        """
        for number in NUMBERS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._take)

    def _take(self, number: int, frame: FrameType | None) -> None:
        # A terminal that is closed may say so twice, by its shell and by the system: nobody is impatient.
        self.at_once = self.to_stop and number != _HANGUP
        self.to_stop = True
        if self.at_once and self.starting:
            _end(number, frame)


def ignore() -> None:
    """For a child whose parent answers the signals that a terminal sends to both."""
    for number in NUMBERS:
        if number != signal.SIGTERM:
            signal.signal(number, signal.SIG_IGN)


@contextlib.contextmanager
def ending_in_order() -> Iterator[None]:
    """Signals that would end the process where it stands become SystemExit, so that what was begun is cleaned up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    changed = [number for number in NUMBERS if signal.getsignal(number) is signal.SIG_DFL]
    for number in changed:
        signal.signal(number, _end)
    try:
        yield
    finally:
        for number in changed:
            signal.signal(number, signal.SIG_DFL)


def _end(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
