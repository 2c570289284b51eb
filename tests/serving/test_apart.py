"""The process of `lingdang worker`, as far as it can be looked at from inside."""

import asyncio
import threading
import time

import pytest

from lingdang import background
from lingdang.keys import Keyring
from lingdang.ledger.settled import nothing
from lingdang.serving import apart
from lingdang.serving.metrics import Metrics
from lingdang.signals import StopAsked
from support.journal import deployment_of
from support.served import eventually


class Stubborn:
    """A task that takes an hour to end."""

    def __init__(self) -> None:
        self.overdue: dict[str, int] = {}
        self.gauges: dict[str, object] = {}
        self.asked_to_end = False

    def lag(self) -> float:
        return 0.0

    async def run(self) -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            self.asked_to_end = True
            await asyncio.sleep(3600)
            raise


def test_a_second_signal_breaks_off_what_will_not_end(
    database_url: str, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = Stubborn()
    monkeypatch.setattr(background, "TASKS", {"stubborn": lambda _: task})
    monkeypatch.setattr(apart, "_AT_ONCE_SECONDS", 0.1)
    asked = StopAsked()
    given = (deployment_of(database_url, keyring), asked, Metrics(), nothing)
    process = threading.Thread(target=apart.run, args=given, daemon=True)
    process.start()
    eventually(lambda: not asked.starting)
    asked.to_stop = True
    eventually(lambda: task.asked_to_end)
    time.sleep(0.5)
    assert process.is_alive(), "the first one waits for what is under way"
    asked.at_once = True
    process.join(60)
    assert not process.is_alive()
