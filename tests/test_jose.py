"""One way to write base64url, and headers that are compared as a whole."""

import base64
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingdang.clock import system_clock
from lingdang.jose import Headers, from_base64url, to_base64url
from lingdang.keys import Keyring, retire, rotate


@given(st.binary(max_size=99))
def test_bytes_come_back(raw: bytes) -> None:
    text = to_base64url(raw)
    assert b"=" not in text
    assert text == base64.urlsafe_b64encode(raw).rstrip(b"=")
    assert from_base64url(text) == raw


@given(st.binary(max_size=12) | st.text(alphabet="AQgw_-+/=", max_size=12).map(str.encode))
def test_every_text_is_the_one_form_of_its_bytes_or_refused(text: bytes) -> None:
    try:
        raw = from_base64url(text)
    except ValueError:
        return
    assert to_base64url(raw) == text


@pytest.mark.parametrize("text", [b"A", b"AB", b"AAB", b"AA==", b"A+A/", b"A A ", b"AA\n", b"AA=", b"\xff\xff"])
def test_other_ways_to_write_bytes(text: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        from_base64url(text)


def test_only_a_header_that_this_server_writes_names_a_key(keyring: Keyring) -> None:
    headers = Headers(keyring, alg="HS256", typ="a")
    written = headers.write("k1")
    assert from_base64url(written) == b'{"alg":"HS256","kid":"k1","typ":"a"}'
    assert headers.kid(written) == "k1"
    for other in (
        b"",
        written[:-1],
        headers.write("k2"),
        Headers(keyring, alg="HS256", typ="b").write("k1"),
        to_base64url(b'{"alg": "HS256","kid":"k1","typ":"a"}'),
    ):
        assert headers.kid(other) is None


def test_a_new_key_is_known_at_once_and_a_retired_one_is_asked_of_the_keyring(keyring: Keyring) -> None:
    headers = Headers(keyring, alg="HS256")
    now = system_clock()
    assert headers.kid(headers.write("k1")) == "k1"
    rotate(keyring.path, now, now - timedelta(seconds=1))
    assert headers.kid(headers.write("k2")) == "k2"
    retire(keyring.path, 1, now)
    assert keyring.known("k1", "session-token") is None or headers.kid(headers.write("k1")) == "k1"
