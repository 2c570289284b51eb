"""Ids that begin with their time: what is made at a moment stands between that moment's oldest and newest."""

from datetime import UTC, datetime, timedelta

from lingdang.ids import newest_uuid7, oldest_uuid7, uuid7

MOMENT = datetime(2026, 11, 23, 8, 0, 0, 123_000, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


def test_an_id_is_of_its_moment() -> None:
    made = uuid7(MOMENT)
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert oldest_uuid7(MOMENT) <= made <= newest_uuid7(MOMENT)
    assert newest_uuid7(MOMENT - MILLISECOND) < made < oldest_uuid7(MOMENT + MILLISECOND)
    assert uuid7(MOMENT) != made


def test_an_id_is_of_now_unless_told() -> None:
    before = datetime.now(UTC)
    made = uuid7()
    assert oldest_uuid7(before) <= made <= newest_uuid7(datetime.now(UTC))
