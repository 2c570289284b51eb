"""Totals agree only where the journal has what the good rows give, in rows and in bells."""

import pytest

from lingdang.moving.totals import Controls


@pytest.mark.parametrize(
    ("given", "owned", "booked", "agrees"),
    [
        ((2, 30), 0, (2, 30), True),
        ((2, 30), 1, (1, 30), True),
        ((2, 30), 0, (1, 30), False),
        ((2, 30), 0, (2, 29), False),
        ((2, 30), 1, (2, 30), False),
        ((0, 0), 0, (1, 1), False),
    ],
)
def test_totals(given: tuple[int, int], owned: int, booked: tuple[int, int], agrees: bool) -> None:
    controls = Controls()
    control = controls.of("lot", "BELL", "paid")
    control.given.add(*given)
    control.owned.add(owned, 0)
    control.booked.add(*booked)
    assert [each.agrees for each in controls.all()] == [agrees]


def test_what_has_no_currency_is_counted_by_itself() -> None:
    controls = Controls()
    assert controls.of("right", None, None) is controls.of("right", None, None)
    assert controls.of("right", None, None) is not controls.of("lot", "BELL", "paid")
