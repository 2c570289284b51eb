"""Deliveries give way to payments where these need the machine."""

from collections.abc import Callable

import pytest

from lingdang.events.webhooks.pressed import Pressed, Used, used


def going_on(resting: float, own: float) -> Callable[[], Used]:
    """A machine of two processors, looked at once a second; of each second so much is rest, and this process's."""
    looks = iter(range(1, 1000))

    def look() -> Used:
        seconds = next(looks)
        return Used(seconds, 2.0 * seconds, 2.0 * resting * seconds, own * seconds)

    return look


@pytest.mark.parametrize(
    ("resting", "own", "pressed"),
    [(0.5, 0.5, False), (0.15, 0.8, False), (0.02, 0.5, True), (0.5, 0.97, True)],
    ids=["half a load", "much of it", "no processor rests", "the event loop never rests"],
)
def test_what_is_settled_counts_where_there_is_nothing_to_spare(resting: float, own: float, pressed: bool) -> None:
    settled = iter(0.5 * number for number in range(1000))
    counted = Pressed(lambda: next(settled), going_on(resting, own))
    seconds = [counted() for _ in range(10)]
    assert seconds[-1] == (5.0 if pressed else 0.0)


def test_the_system_counts() -> None:
    before, after = used(), used()
    assert before.resting <= before.processors
    assert all(a <= b for a, b in zip(before, after, strict=True))
