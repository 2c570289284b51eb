"""An endpoint's URL has one meaning, here and for every other parser; what might have two is refused."""

from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingdang.events.webhooks.targets import MOST_CHARACTERS, Target, TargetError, read_target

LABELS = st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
HOSTS = st.one_of(
    st.lists(LABELS, min_size=1, max_size=4).map(".".join),
    st.integers(0, 2**32 - 1).map(lambda number: str(IPv4Address(number))),
    st.integers(0, 2**128 - 1).map(lambda number: str(IPv6Address(number))),
)
PATHS = st.from_regex(r"/[a-z0-9/._~-]{0,20}(\?[a-z0-9=&%.]{0,20})?", fullmatch=True)
TARGETS = st.builds(Target, st.sampled_from(["https", "http"]), HOSTS, st.integers(1, 65535), PATHS)
CONFUSING = st.text("aZ0:/@\\.#?[]%_-1 \t\n\0é。", max_size=24).map(lambda rest: f"https://{rest}")


def url_of(target: Target) -> str:
    return f"{target.scheme}://{target.authority}{target.target}"


@given(TARGETS)
def test_what_is_asked_for_reads_as_what_was_read(target: Target) -> None:
    assert read_target(url_of(target)) == target


@given(CONFUSING | TARGETS.map(url_of))
def test_whatever_is_read_every_parser_reads_alike(url: str) -> None:
    with suppress(TargetError):
        target = read_target(url)
        assert read_target(url_of(target)) == target
        split, other = urlsplit(url), httpx.URL(url)
        usual = {"https": 443, "http": 80}[target.scheme]
        assert (split.scheme, split.username, split.fragment, other.userinfo) == (target.scheme, None, "", b"")
        assert (split.port or usual, other.port or usual) == (target.port, target.port)
        for host in (split.hostname or "", other.host):
            assert host == target.host or IPv6Address(host) == target.address


@pytest.mark.parametrize(
    ("url", "authority", "target"),
    [
        ("https://Hooks.Example", "hooks.example", "/"),
        ("https://hooks.example:443/a?b=c", "hooks.example", "/a?b=c"),
        ("http://hooks.example:443/", "hooks.example:443", "/"),
        ("http://hooks.example:80/", "hooks.example", "/"),
        ("https://[2606:4700:0:0::1111]:8443/x", "[2606:4700::1111]:8443", "/x"),
    ],
)
def test_the_port_is_told_where_it_is_not_the_usual_one(url: str, authority: str, target: str) -> None:
    found = read_target(url)
    assert (found.authority, found.target) == (authority, target)


@pytest.mark.parametrize(
    "url",
    [
        *("", "hooks.example", "HTTPS://hooks.example/", "ftp://hooks.example/", "https://"),
        *("https://hooks.example:0/", "https://hooks.example:65536/", "https://hooks.example:/", "https://a b/"),
        *("https://hooks.example./", "https://-a.example/", "https://a-.example/", "https://a..example/"),
        *("https://a_b.example/", f"https://{'a' * 64}.example/", "https://hooks.0x7f/", "https://hooks.1/"),
        *("https://[1.2.3.4]/", "https://[::1/", "https://1.2.3/", "https://01.2.3.4/", "https://[::1%25lo]/"),
        *("https://hooks.example/a b", "https://hooks.example/<x>", "https://hooks.example/#x", "https://a/\n"),
        *("https://u@hooks.example/", "https://hooks.example\\x/", "https://hooks.example?x", "https://höoks.example/"),
    ],
)
def test_what_is_not_plain_is_refused(url: str) -> None:
    with pytest.raises(TargetError, match="Expected"):
        read_target(url)


def test_the_longest_url_is_read_and_a_longer_one_is_not() -> None:
    longest = "https://hooks.example/".ljust(MOST_CHARACTERS, "x")
    assert url_of(read_target(longest)) == longest
    with pytest.raises(TargetError, match=str(MOST_CHARACTERS)):
        read_target(longest + "x")
