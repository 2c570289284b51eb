"""When what failed is tried again."""

from datetime import UTC, datetime, timedelta

import pytest

from lingdang.events.webhooks.retries import (
    LONGEST,
    PAUSES,
    TRIED_FOR,
    is_over,
    pause,
    probe_pause,
    read_retry_after,
)

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def test_pauses_grow_from_5_seconds_to_24_hours_and_reach_over_three_days() -> None:
    pauses = [pause(failures, None, lambda: 0.0) for failures in range(1, 20)]
    assert (pauses[0], pauses[-1]) == (timedelta(seconds=5), timedelta(hours=24))
    assert pauses == sorted(pauses)
    tried, moment = 0, NOW
    while not is_over(NOW, moment):
        tried += 1
        moment += pause(tried, None, lambda: 0.0)
    assert tried == len(PAUSES)
    assert moment - NOW < TRIED_FOR + timedelta(hours=6)


def test_chance_makes_a_pause_longer_and_never_shorter() -> None:
    assert pause(1, None, lambda: 0.999) > pause(1, None, lambda: 0.0) == timedelta(seconds=5)
    assert pause(1, None, lambda: 0.999) < timedelta(seconds=6)
    assert probe_pause(1, None, lambda: 0.0) == timedelta(seconds=1)
    assert probe_pause(99, None, lambda: 0.999) < timedelta(seconds=72)


def test_what_a_receiver_asks_for_is_waited_for_up_to_a_day() -> None:
    assert pause(1, timedelta(minutes=3), lambda: 0.0) == timedelta(minutes=3)
    assert pause(6, timedelta(minutes=3), lambda: 0.0) == timedelta(hours=2), "no less than its turn"
    assert pause(1, timedelta(days=30), lambda: 0.0) == LONGEST
    assert probe_pause(1, timedelta(hours=1), lambda: 0.0) == timedelta(hours=1)


@pytest.mark.parametrize(
    ("header", "read"),
    [
        (None, None),
        ("120", timedelta(seconds=120)),
        (" 0 ", timedelta()),
        ("99999999999999999999", LONGEST),
        ("Mon, 23 Nov 2026 08:02:00 GMT", timedelta(minutes=2)),
        ("Mon, 23 Nov 2020 08:02:00 GMT", timedelta()),
        ("Mon, 23 Nov 2026 08:02:00", None),
        ("soon", None),
        ("-5", None),
        ("１２", None),
        ("Mon, 23 Nov 99999 08:02:00 GMT", None),
        ("", None),
    ],
)
def test_retry_after(header: str | None, read: timedelta | None) -> None:
    assert read_retry_after(header, NOW) == read
