"""Deliveries give way to payments where these need the machine."""

import os

import pytest

from lingdang.events.webhooks.pressed import ENOUGH, SHARE, Pressed
from lingdang.ledger.settled import Settled


class Machine:
    """What was seen so far; in each second so much of it happens."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.used = 0.0
        self.told = 0
        self.settled = Settled(0.0, 0)

    def pressed(self) -> Pressed:
        return Pressed(lambda: self.settled, lambda: self.told, lambda: self.seconds, lambda: self.used)

    def go_on(self, *, commands: int, told: int, used: float) -> None:
        self.seconds += 1
        self.used += used
        self.told += told
        self.settled = Settled(self.settled.seconds + 0.5, self.settled.commands + commands)


ROOM = SHARE * (os.cpu_count() or 1)


@pytest.mark.parametrize(("needed", "is_pressed"), [(0.9 * ROOM, False), (1.1 * ROOM, True)])
def test_they_give_way_where_all_that_comes_would_take_too_much(needed: float, is_pressed: bool) -> None:
    machine = Machine()
    pressed = machine.pressed()
    for _ in range(10):
        machine.go_on(commands=1000, told=1000, used=needed)
        pressed()
    assert pressed() == (5.0 if is_pressed else 0.0)


def test_while_nothing_is_delivered_it_is_known_what_it_would_cost() -> None:
    machine = Machine()
    pressed = machine.pressed()
    machine.go_on(commands=1000, told=1000, used=2 * ROOM)
    assert pressed() > 0
    for _ in range(10):
        machine.go_on(commands=1000, told=0, used=0.0)
        pressed()
    assert pressed() == 5.5
    machine.go_on(commands=400, told=0, used=0.0)
    assert pressed() == 5.5, "fewer payments leave room"


def test_few_events_do_not_tell_what_one_costs() -> None:
    """What else the process does would be counted among it."""
    machine = Machine()
    pressed = machine.pressed()
    machine.go_on(commands=1000, told=ENOUGH - 1, used=2 * ROOM)
    assert pressed() == 0.0
