"""Cursors: what was given is taken, whatever the key; what was not given is refused, and never half read."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingdang.errors import Problem
from lingdang.paging import DEFAULT_LIMIT, MAX_LIMIT, Page, Window, page, read_seq, to_cursor, window

KEYS = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp", "Zs", "Co", "Cn"]), min_size=1, max_size=99
)


@given(KEYS)
def test_a_cursor_comes_back_as_its_key(key: str) -> None:
    assert window(None, to_cursor(key)) == Window(DEFAULT_LIMIT, key)


@given(st.text())
def test_any_text_is_a_cursor_or_refused(text: str) -> None:
    try:
        found = window(None, text).after
    except Problem:
        return
    assert found is not None
    assert found.isprintable()


@pytest.mark.parametrize("cursor", ["", "a", "a=", "+/+/", "é", to_cursor("x" * 400), to_cursor("a\n"), "gICA"])
def test_what_was_never_given(cursor: str) -> None:
    with pytest.raises(Problem) as refused:
        window(None, cursor)
    assert refused.value.members["errors"][0]["field"] == "cursor"


@pytest.mark.parametrize(("limit", "count"), [(None, DEFAULT_LIMIT), ("1", 1), ("200", MAX_LIMIT), ("007", 7)])
def test_limits(limit: str | None, count: int) -> None:
    assert window(limit, None) == Window(count, None)


@pytest.mark.parametrize("limit", ["0", "201", "-1", "", "1.0", "ten", "１", "0001", "9" * 5000])
def test_what_is_no_limit(limit: str) -> None:
    with pytest.raises(Problem) as refused:
        window(limit, None)
    shown = limit if len(limit) < 60 else f"{limit[:60]}…"
    assert refused.value.members["errors"] == [
        {"field": "limit", "message": f"Expected a whole number from 1 to {MAX_LIMIT}, got '{shown}'"}
    ]


@pytest.mark.parametrize(("key", "seq"), [(None, None), ("0", 0), ("2147483647", 2**31 - 1)])
def test_a_number_of_the_journal(key: str | None, seq: int | None) -> None:
    assert read_seq(key) == seq


@pytest.mark.parametrize("key", ["", "-1", "2147483648", "1.5", "٣", "99999999999", "1 "])
def test_what_is_no_number_of_the_journal(key: str) -> None:
    with pytest.raises(Problem):
        read_seq(key)


@given(st.lists(st.integers(), max_size=20), st.integers(1, 7))
def test_all_pages_together_are_the_list(rows: list[int], limit: int) -> None:
    seen: list[int] = []
    after = 0
    while True:
        rest = rows[after : after + limit + 1]
        found: Page[Any] = page(rest, [str(after + n + 1) for n in range(len(rest))], limit)
        seen += found.items
        if found.next_cursor is None:
            break
        assert len(found.items) == limit
        assert base64.urlsafe_b64decode(found.next_cursor + "==").decode() == str(len(seen))
        after = len(seen)
    assert seen == rows
