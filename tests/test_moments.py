"""What a day or a time means, in whose zone, and which are refused."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from lingdang import moments
from lingdang.clock import rfc3339
from lingdang.settings import SettingsError, load_settings

SHANGHAI = "Asia/Shanghai"


@pytest.mark.parametrize(
    ("zone", "text", "end", "utc"),
    [
        (SHANGHAI, "2027-01-31", True, "2027-01-31T16:00:00.000Z"),
        (SHANGHAI, "2027-01-31", False, "2027-01-30T16:00:00.000Z"),
        ("UTC", "2027-12-31", True, "2028-01-01T00:00:00.000Z"),
        ("America/New_York", "2027-03-13", True, "2027-03-14T05:00:00.000Z"),
        ("America/New_York", "2027-03-14", True, "2027-03-15T04:00:00.000Z"),
        ("America/Sao_Paulo", "2018-11-03", True, "2018-11-04T03:00:00.000Z"),  # midnight is skipped: it is 1 o'clock
        ("America/Sao_Paulo", "2018-02-17", True, "2018-02-18T03:00:00.000Z"),  # the last hour comes twice
        ("America/Havana", "2026-10-31", True, "2026-11-01T04:00:00.000Z"),  # midnight comes twice: the first
        (SHANGHAI, "2027-01-31T20:00", True, "2027-01-31T12:00:00.000Z"),
        (SHANGHAI, "2027-01-31 20:00:05", True, "2027-01-31T12:00:05.000Z"),
        (SHANGHAI, "2027-01-31T20:00:00Z", True, "2027-01-31T20:00:00.000Z"),
        (SHANGHAI, "2027-01-31T20:00:00.25-05:00", True, "2027-02-01T01:00:00.250Z"),
        ("America/New_York", "2027-03-14T02:30:00-05:00", True, "2027-03-14T07:30:00.000Z"),
    ],
)
def test_what_is_meant(zone: str, text: str, end: bool, utc: str) -> None:
    assert rfc3339(moments.read(text, ZoneInfo(zone), end=end)) == utc


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "2027-02-30",
        "2027-1-31",
        "20270131",
        "2027-W01-1",
        "31.01.2027",
        "2027-01-31T24:00:00Z",
        "2026-12-31T23:59:60Z",
        "0000-01-01",
        "٢٠٢٧-01-31",
        "2027-01-31\n",
    ],
)
def test_what_is_neither(text: str) -> None:
    with pytest.raises(ValueError, match="Expected a day"):
        moments.read(text, ZoneInfo(SHANGHAI), end=True)


@pytest.mark.parametrize("text", ["9999-12-31", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
def test_what_utc_has_no_year_for(text: str) -> None:
    with pytest.raises(ValueError, match="2000 to 2999"):
        moments.read(text, ZoneInfo(SHANGHAI), end=True)


@pytest.mark.parametrize("text", ["2027-03-14T02:30:00", "2027-11-07T01:30:00"])
def test_a_time_that_is_not_one_moment(text: str) -> None:
    with pytest.raises(ValueError, match="not one moment in America/New_York"):
        moments.read(text, ZoneInfo("America/New_York"), end=True)


@pytest.mark.parametrize("name", ["", "Beijing", "../../etc/passwd", "/etc/localtime", "Asia", "+08:00", "a" * 300])
def test_a_zone_that_is_none_is_told_at_the_start(name: str) -> None:
    with pytest.raises(SettingsError, match="LINGDANG_TIME_ZONE"):
        load_settings({"LINGDANG_TIME_ZONE": name})


def test_the_zone_is_that_of_the_setting_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    assert load_settings({}).zone == ZoneInfo(SHANGHAI)
    assert load_settings({"LINGDANG_TIME_ZONE": "Europe/Berlin"}).zone == ZoneInfo("Europe/Berlin")


def test_bounds() -> None:
    inside = (moments.EARLIEST, datetime.max.replace(year=2999, tzinfo=UTC))
    assert all(map(moments.is_usable, (None, *inside)))
    assert not moments.is_usable(moments.BEYOND)
