"""A position that a client was given is read as it was given, and nothing else is taken for one."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingdang.errors import Problem
from lingdang.events.cursor import Cursor, Spot, read_cursor
from lingdang.paging import to_cursor

SHOP = "5f5c89a1"
SPOTS = st.builds(Spot, st.integers(0, 2**63 - 1), st.integers(0, 99_999_999))
DIGITS = st.integers(0, 2**65).map(str) | st.sampled_from(["00", "", "-1", "0" * 19])


@st.composite
def cursors(draw: st.DrawFn) -> Cursor:
    spots = draw(st.lists(SPOTS, min_size=1, max_size=40))
    return Cursor(tuple(spots), draw(st.integers(0, 2**63 - 1)), draw(st.integers(0, len(spots) - 1)))


@given(cursors())
def test_what_was_given_is_read_again(cursor: Cursor) -> None:
    assert read_cursor(cursor.to_text(SHOP), SHOP, len(cursor.spots)) == cursor


@given(cursors(), st.data(), SPOTS)
def test_a_bucket_is_read_on_and_no_other(cursor: Cursor, data: st.DataObject, spot: Spot) -> None:
    bucket = data.draw(st.integers(0, len(cursor.spots) - 1))
    moved = cursor.moved(bucket, spot)
    assert moved.spots[bucket] == spot
    assert moved.moved(bucket, cursor.spots[bucket]) == cursor


@given(cursors())
def test_another_shops_or_another_number_of_buckets_is_refused(cursor: Cursor) -> None:
    text, buckets = cursor.to_text(SHOP), len(cursor.spots)
    for shop, number in (("5f5c89a2", buckets), (SHOP, buckets + 1), (SHOP, buckets - 1)):
        with pytest.raises(Problem) as refused:
            read_cursor(text, shop, number)
        assert refused.value.code == "invalid_request"


@given(
    st.one_of(
        st.text(max_size=60),
        st.text("0123456789 .-x٣", max_size=30).map(lambda rest: to_cursor(f"{SHOP} {rest}")),
        st.tuples(DIGITS, DIGITS, DIGITS, DIGITS).map("5f5c89a1 {0[0]} {0[1]} {0[2]}.{0[3]}".format).map(to_cursor),
    )
)
def test_whatever_is_sent_is_refused_or_a_position_that_can_be_given(text: str) -> None:
    with suppress(Problem):
        cursor = read_cursor(text, SHOP, 1)
        assert cursor.turn == 0
        assert cursor.spots[0].position < 2**63
        assert read_cursor(cursor.to_text(SHOP), SHOP, 1) == cursor
