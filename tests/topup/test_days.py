"""The days whose lists are compared: none is left out, none is done twice, one that fails pauses."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from lingdang.db.pool import Pool, fetch_all
from lingdang.topup import days
from lingdang.topup.providers.provider import Listing

CHINA = timezone(timedelta(hours=8))
UTCS = Listing(ready=timedelta(hours=1))
CHINAS = Listing(zone=CHINA, ready=timedelta(hours=10, minutes=30))
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with Pool(database_url, 1, pgbouncer=False) as opened:
        yield opened


@pytest.mark.parametrize(
    ("listing", "now", "day"),
    [
        (UTCS, datetime(2026, 11, 23, 0, 59, tzinfo=UTC), date(2026, 11, 21)),
        (UTCS, datetime(2026, 11, 23, 1, 0, tzinfo=UTC), date(2026, 11, 22)),
        (CHINAS, datetime(2026, 11, 23, 2, 29, tzinfo=UTC), date(2026, 11, 21)),
        (CHINAS, datetime(2026, 11, 23, 2, 30, tzinfo=UTC), date(2026, 11, 22)),
    ],
)
def test_a_day_is_ready_once_its_provider_has_made_its_list(listing: Listing, now: datetime, day: date) -> None:
    assert days.newest_day(listing, now) == day


def test_a_day_begins_and_ends_in_the_providers_zone() -> None:
    begins, ends = days.bounds(CHINAS, date(2026, 11, 22))
    assert (begins, ends) == (
        datetime(2026, 11, 21, 16, 0, tzinfo=UTC),
        datetime(2026, 11, 22, 16, 0, tzinfo=UTC),
    )


async def claimed(pool: Pool, now: datetime) -> list[date]:
    found = []
    while (day := await days.claim(pool, "shop", now)) is not None:
        found.append(day)
    return found


async def test_days_on_which_the_shop_was_away_are_made_up_for(pool: Pool) -> None:
    for _ in range(2):
        await days.add_ready(pool, "shop", UTCS, NOW)
    assert await claimed(pool, NOW) == [date(2026, 11, 22)]
    await days.done(pool, "shop", date(2026, 11, 22), NOW, 1, 0)
    later = NOW + timedelta(days=3)
    await days.add_ready(pool, "shop", UTCS, later)
    assert await claimed(pool, later) == [date(2026, 11, 23), date(2026, 11, 24), date(2026, 11, 25)]
    much_later = NOW + timedelta(days=100)
    await days.add_ready(pool, "shop", UTCS, much_later)
    [(oldest, count)] = await fetch_all(pool, "SELECT min(day), count(*) FROM topup_day WHERE day > '2026-11-25'")
    assert (oldest, count) == (days.newest_day(UTCS, much_later) - timedelta(days=30), 31)


async def test_one_that_fails_pauses_longer_each_time_and_one_that_is_broken_off_is_taken_up(pool: Pool) -> None:
    day, now = date(2026, 11, 22), NOW
    await days.add_ready(pool, "shop", UTCS, now)
    for minutes in (10, 20, 30):
        assert await claimed(pool, now) == [day]
        assert await claimed(pool, now) == [], "somebody is at it"
        await days.later(pool, "shop", day, now)
        now += timedelta(minutes=minutes)
        assert await claimed(pool, now - timedelta(seconds=1)) == []
    assert await claimed(pool, now) == [day]
    now += timedelta(hours=1)
    assert await claimed(pool, now) == [day], "whoever had it is gone"
    await days.done(pool, "shop", day, now, 5, 1)
    assert await claimed(pool, now + timedelta(days=1)) == []
    assert await fetch_all(pool, "SELECT listed, differing FROM topup_day") == [(5, 1)]
