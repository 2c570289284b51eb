"""Text from files and forms: trimmed of what does not show, blank when nothing shows, plain as a machine writes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingdang.catalog.text import is_blank, plain, trimmed

TEXT = st.text(st.sampled_from("ab三 \t\n\u200b\ufeff\u3000\u00ad\u2066\ufe0f１ａ") | st.characters())


@given(TEXT)
def test_trimming_is_done_at_once_and_only_at_the_edges(text: str) -> None:
    once = trimmed(text)
    assert trimmed(once) == once
    assert once in text
    assert is_blank(text) or not is_blank(once)


@given(TEXT)
def test_what_is_plain_stays_so(text: str) -> None:
    assert plain(plain(text)) == plain(text)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\u3000三体\u200b", "三体"),
        ("\ufeff a \u202c", "a"),
        ("a\u200bb", "a\u200bb"),
        ("\u2067\u2069", ""),
        ("", ""),
    ],
)
def test_edges_that_do_not_show_go(text: str, seen: str) -> None:
    assert trimmed(text) == seen


@pytest.mark.parametrize("text", ["", " ", "\t\n", "\u3164", "\u2800\ufe0f", "\U000e0100", "\u200b \u00ad"])
def test_nothing_shows(text: str) -> None:
    assert is_blank(text)


@pytest.mark.parametrize("text", ["a", "　三", "\u200b.", "🔔", "\u0301"])
def test_something_shows(text: str) -> None:
    assert not is_blank(text)


def test_no_more_than_width_is_changed() -> None:
    assert plain(" ＢＥＬＬ－１　２ ") == "BELL-1 2"
    assert plain("10²") == "10²"
