"""The last attempts are shown and how long events take, whoever delivers and however often that changes."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingdang.events.webhooks.figures import KEPT_ACCEPTED, KEPT_FAILED, Attempt, Delays, Figures, Record, attempt
from lingdang.events.webhooks.sending import Answer

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
STATUSES = st.lists(st.sampled_from([200, 204, 299, 199, 301, 410, 500, None]), max_size=60)


def attempts(statuses: list[int | None]) -> list[Attempt]:
    """One a second."""
    return [
        attempt(f"evt_{number}", NOW + timedelta(seconds=number), 1, Answer(status, 0.25))
        for number, status in enumerate(statuses)
    ]


@given(STATUSES, st.integers(0, 60))
def test_the_last_of_both_kinds_are_shown_newest_first_also_across_a_change_of_couriers(
    statuses: list[int | None], change: int
) -> None:
    made = attempts(statuses)
    first = Record(Figures())
    for each in made[:change]:
        first.note(each, [])
    second = Record(first.figures())
    for each in made[change:]:
        second.note(each, [])
    accepted = [each for each in made if each.status in (200, 204, 299)][-KEPT_ACCEPTED:]
    failed = [each for each in made if each.status not in (200, 204, 299)][-KEPT_FAILED:]
    assert second.figures().attempts == sorted([*accepted, *failed], key=lambda each: each.at, reverse=True)


@given(st.lists(st.integers(-5, 10**6), min_size=1, max_size=300))
def test_delays_are_such_as_there_were(milliseconds: list[int]) -> None:
    record = Record(Figures())
    record.note(
        attempt("evt_1", NOW, 1, Answer(204, 0.1)), [NOW - timedelta(milliseconds=each) for each in milliseconds]
    )
    delays, seen = record.figures().delays, sorted(max(0, each) for each in milliseconds)
    assert delays is not None
    assert delays.p50 in seen
    assert delays.p99 in seen
    assert seen[0] <= delays.p50 <= delays.p99 <= seen[-1]
    assert sum(each <= delays.p50 for each in seen) * 2 >= len(seen)
    assert sum(each <= delays.p99 for each in seen) * 100 >= len(seen) * 99


def test_half_and_99_of_100_of_the_last_thousand_arrived_so_soon() -> None:
    record = Record(Figures())
    for number in range(1, 2001):
        made = attempt(f"evt_{number}", NOW + timedelta(seconds=number), 1, Answer(204, 0.1))
        record.note(made, [made.at - timedelta(milliseconds=number)])
    assert record.figures().delays == Delays(p50=1500, p99=1990)


def test_what_failed_has_not_arrived_and_delays_of_before_stand_until_something_has() -> None:
    record = Record(Figures(delays=Delays(7, 9)))
    record.note(attempt("evt_1", NOW, 1, Answer(500, 0.1)), [NOW - timedelta(seconds=60)])
    assert record.figures().delays == Delays(7, 9)
    record.note(attempt("evt_1", NOW, 1, Answer(200, 0.1)), [NOW - timedelta(seconds=2)])
    assert record.figures().delays == Delays(2000, 2000)


def test_only_what_was_noted_since_it_was_written_down_is_a_change() -> None:
    record = Record(Figures())
    assert not record.changed
    record.note(attempt("evt_1", NOW, 1, Answer(200, 0.1)), [])
    assert record.changed
    record.figures()
    assert not record.changed


@pytest.mark.parametrize("answer", [Answer(503, 1.2346, "busy"), Answer(None, 15.0, reason="no answer")])
def test_an_attempt_tells_how_it_was_answered(answer: Answer) -> None:
    made = attempt("evt_1", NOW, 3, answer)
    assert (made.message_id, made.at, made.events, made.status) == ("evt_1", NOW, 3, answer.status)
    assert (made.milliseconds, made.body, made.reason) == (round(answer.seconds * 1000), answer.body, answer.reason)
    assert not made.accepted
