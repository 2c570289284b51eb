"""Servers elsewhere: which addresses are some, which are this machine, and what of their words is shown."""

import httpx
import pytest

from lingdang.cli.elsewhere import is_this_machine, one_line, read_url
from lingdang.errors import CommandError


@pytest.mark.parametrize("text", ["", "localhost:3000", "ftp://shop.example", "http://", "http://[::1", "https:shop"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(CommandError, match=r"is no address of a shop: https://shop\.example, say"):
        read_url(text, "of a shop: https://shop.example")


@pytest.mark.parametrize(
    ("text", "here"),
    [
        ("http://localhost:3000/x", True),
        ("http://127.8.9.1", True),
        ("http://[::1]:3000", True),
        ("http://10.0.0.1", False),
        ("https://shop.example", False),
        ("http://localhost.example", False),
    ],
)
def test_which_stays_on_this_machine(text: str, here: bool) -> None:
    url = read_url(text, "")
    assert (url, is_this_machine(url)) == (httpx.URL(text), here)


def test_words_are_one_short_line() -> None:
    assert one_line("  no\x1b[2J\nnot yet ") == "no [2J not yet"
    assert len(one_line("x" * 1000)) == 200
