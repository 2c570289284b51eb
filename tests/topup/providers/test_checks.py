"""What every provider's notification is checked for."""

from datetime import timedelta
from uuid import uuid4

import msgspec
import pytest

from lingdang.ids import uuid7
from lingdang.topup.providers.checks import check_time, decode, our_number, read_seconds, text_of
from lingdang.topup.providers.provider import Forged
from support.providers import NOW


class _Thing(msgspec.Struct):
    id: str


def test_a_moment_may_be_five_minutes_off_in_either_direction() -> None:
    check_time(NOW - timedelta(seconds=300), NOW)
    check_time(NOW + timedelta(seconds=300), NOW)


@pytest.mark.parametrize(
    ("seconds", "reason"),
    [(-301, "timestamp: 301 s old"), (301, "timestamp: 301 s ahead"), (86400, "timestamp: 86400 s ahead")],
)
def test_a_moment_farther_off_is_refused(seconds: int, reason: str) -> None:
    with pytest.raises(Forged, match=reason):
        check_time(NOW + timedelta(seconds=seconds), NOW)


def test_a_provider_may_take_longer_but_never_be_ahead() -> None:
    check_time(NOW - timedelta(hours=25), NOW, oldest=timedelta(hours=26))
    with pytest.raises(Forged, match="ahead"):
        check_time(NOW + timedelta(hours=1), NOW, oldest=timedelta(hours=26))


def test_bytes_that_are_not_utf_8_are_refused() -> None:
    assert text_of("铃铛".encode()) == "铃铛"
    with pytest.raises(Forged, match="not utf-8"):
        text_of(b"\xff")


@pytest.mark.parametrize("text", ["", "-1", "+1", " 1", "1.5", "１", "1" * 13])
def test_seconds_are_digits(text: str) -> None:
    with pytest.raises(Forged, match="timestamp: no number"):
        read_seconds(text)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"id": 1}', b"[" * 100_000])
def test_what_is_not_of_its_form_is_refused_and_never_crashes(body: bytes) -> None:
    with pytest.raises(Forged, match="unreadable"):
        decode(body, _Thing)


def test_our_numbers_are_uuidv7_in_either_writing() -> None:
    number = uuid7(NOW)
    assert our_number(str(number)) == our_number(number.hex) == number


@pytest.mark.parametrize(
    "text",
    [None, "", "42", str(uuid4()), str(uuid7(NOW)).upper(), f"{{{uuid7(NOW)}}}"],
    ids=["none", "empty", "short", "random", "upper case", "braces"],
)
def test_other_numbers_are_not_ours(text: str | None) -> None:
    assert our_number(text) is None
