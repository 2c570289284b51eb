"""The CPU time of a process and its family, while one of them ends."""

from typing import NamedTuple, cast

import psutil
import pytest

from proof.server import family_cpu_seconds


class Times(NamedTuple):
    user: float
    system: float
    children_user: float
    children_system: float


class Ending:
    """A child with two seconds. It ends at the look that is told, and is counted as its parent's from then on."""

    def __init__(self, at_look: int) -> None:
        self.looks = 0
        self.at_look = at_look

    @property
    def has_ended(self) -> bool:
        return self.looks >= self.at_look

    def look(self) -> None:
        self.looks += 1

    def cpu_times(self) -> Times:
        self.look()
        if self.has_ended:
            raise psutil.NoSuchProcess(1)
        return Times(1.5, 0.5, 0, 0)


class Parent:
    """A process with one second of its own."""

    def __init__(self, child: Ending) -> None:
        self.child = child

    def cpu_times(self) -> Times:
        self.child.look()
        return Times(0.75, 0.25, 1.5, 0.5) if self.child.has_ended else Times(0.75, 0.25, 0, 0)

    def children(self, recursive: bool) -> list[Ending]:
        assert recursive
        self.child.look()
        return [] if self.child.has_ended else [self.child]


@pytest.mark.parametrize("at_look", range(1, 9))
def test_whoever_ends_is_counted_once(at_look: int) -> None:
    """Whenever it ends: before, between two looks, afterwards."""
    parent = cast("psutil.Process", Parent(Ending(at_look)))
    assert family_cpu_seconds(parent) == 3


def test_a_real_process_has_its_own_time() -> None:
    assert family_cpu_seconds(psutil.Process()) > 0
