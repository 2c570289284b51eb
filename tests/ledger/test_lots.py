"""The lot that a credit goes into: never sooner than asked, and so few that a wallet's row stays small."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lingdang.ledger.lots import (
    APART,
    DAYS_APART,
    MONTHS_APART,
    LotKind,
    Lots,
    add,
    lot_expiry,
    lot_for,
    lot_kind,
    lot_name,
)

FAR = datetime(2900, 1, 1, tzinfo=UTC)


def with_lots(count: int, kind: LotKind = "bonus") -> Lots:
    """So many lots that expire, far away."""
    names = tuple(lot_name(kind, FAR + timedelta(seconds=n)) for n in range(count))
    return names, (1,) * count


@pytest.mark.parametrize(
    ("count", "asked", "given"),
    [
        (APART - 1, "2026-12-30T23:59:59.999", "2026-12-30T23:59:59.999"),
        (APART, "2026-12-30T23:59:59.999", "2026-12-31"),
        (APART, "2026-12-30T00:00:00.001", "2026-12-31"),
        (APART, "2026-12-31", "2026-12-31"),
        (APART, "2026-12-31T00:00:00.001", "2027-01-01"),
        (DAYS_APART - 1, "2028-02-28T12:00:00", "2028-02-29"),
        (DAYS_APART, "2028-02-28T12:00:00", "2028-03-01"),
        (DAYS_APART, "2026-01-31", "2026-02-01"),
        (DAYS_APART, "2026-12-01T00:00:01", "2027-01-01"),
        (DAYS_APART, "2026-12-01", "2026-12-01"),
        (MONTHS_APART - 1, "2026-11-01T00:00:01", "2026-12-01"),
        (MONTHS_APART, "2026-11-01T00:00:01", "2027-01-01"),
        (MONTHS_APART, "2027-01-01", "2027-01-01"),
        (MONTHS_APART, "2999-12-31T23:59:59.999", "3000-01-01"),
    ],
)
def test_periods(count: int, asked: str, given: str) -> None:
    moments = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (asked, given)]
    assert lot_expiry(lot_for(with_lots(count), "bonus", moments[0])) == moments[1]
    assert lot_expiry(lot_for(with_lots(count, "paid"), "bonus", moments[0])) == moments[1], "both kinds count"


def test_bells_without_an_end_have_their_own_lot() -> None:
    assert lot_for(with_lots(5 * MONTHS_APART), "paid", None) == "paid"
    assert lot_for(with_lots(5 * MONTHS_APART), "bonus", None) == "bonus"


def test_the_next_later_lot_of_the_kind_is_joined() -> None:
    names = (*with_lots(APART)[0], "bonus@2026-12-30T18:00:00.000Z", "paid@2026-12-30T17:00:00.000Z")
    lots = (names, (1,) * len(names))
    at = datetime(2026, 12, 30, 16, tzinfo=UTC)
    assert lot_for(lots, "bonus", at) == names[-2]
    assert lot_for(lots, "bonus", at + timedelta(hours=2)) == names[-2], "the very one"
    assert lot_for(lots, "bonus", at + timedelta(hours=3)) == "bonus@2026-12-31T00:00:00.000Z"
    assert lot_for(lots, "paid", at) == names[-1]


@settings(max_examples=settings.default.max_examples // 5)
@given(st.integers(900, 1200), st.integers(1, 900), st.integers(0, 10**6))
def test_lots_stay_few_and_never_end_sooner(credits: int, years: int, seed: int) -> None:
    chance = Random(seed)
    lots: Lots = ((), ())
    for _ in range(credits):
        kind: LotKind = chance.choice(["paid", "bonus"])
        seconds = chance.randint(0, years * 365 * 86400)
        asked = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
        name = lot_for(lots, kind, asked)
        expiry = lot_expiry(name)
        assert lot_kind(name) == kind
        assert expiry is not None
        assert asked <= expiry <= asked + timedelta(days=366)
        assert name == lot_for(lots, kind, asked), "the rule depends on the wallet alone"
        lots = add(lots, name, 1)
    assert sum(lots[1]) == credits
    assert len(lots[0]) <= MONTHS_APART + 2 * 901
