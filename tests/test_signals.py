"""Signals that ask a process to end: once is in order, twice is at once, and a closed terminal is not impatient."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from lingdang.signals import NUMBERS, StopAsked, ending_in_order, ignore


@pytest.fixture(autouse=True)
def untouched() -> Iterator[None]:
    """Whatever a test does to this process's signals is undone."""
    before = {number: signal.getsignal(number) for number in NUMBERS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def raised(number: int) -> None:
    os.kill(os.getpid(), number)


def test_asked_once_and_twice() -> None:
    asked = StopAsked()
    asked.listen()
    asked.starting = False
    raised(signal.SIGTERM)
    assert (asked.to_stop, asked.at_once) == (True, False)
    raised(signal.SIGINT)
    assert asked.at_once


def test_a_start_is_broken_off_by_a_second_one() -> None:
    asked = StopAsked()
    asked.listen()
    raised(signal.SIGINT)
    with pytest.raises(SystemExit) as ended:
        raised(signal.SIGINT)
    assert ended.value.code == 128 + signal.SIGINT


def test_a_terminal_that_is_closed_may_say_so_twice() -> None:
    asked = StopAsked()
    asked.listen()
    raised(signal.SIGHUP)
    raised(signal.SIGHUP)
    assert (asked.to_stop, asked.at_once) == (True, False)


def test_what_was_ignored_from_the_start_stays_so() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    asked = StopAsked()
    asked.listen()
    raised(signal.SIGHUP)
    assert not asked.to_stop


def test_a_child_leaves_the_terminals_signals_to_its_parent() -> None:
    ignore()
    for number in NUMBERS:
        assert (signal.getsignal(number) is signal.SIG_IGN) == (number != signal.SIGTERM)


def test_a_command_ends_in_order_and_the_signals_are_as_before() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    cleaned = []

    def work() -> None:
        try:
            raised(signal.SIGTERM)
        finally:
            cleaned.append(True)

    with pytest.raises(SystemExit), ending_in_order():
        work()
    assert cleaned
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_beside_the_main_thread_nothing_is_changed() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    seen: list[object] = []

    def work() -> None:
        with ending_in_order():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.SIG_DFL]
