"""The platform's keys: fetched when they are needed and no oftener, and the last good ones hold."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
import pytest
from joserfc.jwk import ECKey, RSAKey

from lingdang.identity.jwks import (
    FIRST_RETRY_SECONDS,
    FRESH_SECONDS,
    MAX_BYTES,
    MAX_KEYS,
    RETRY_SECONDS,
    STALE_SECONDS,
    Jwks,
    JwksError,
    read_jwks,
)
from lingdang.keys import Keyring
from support.platform import Platform, open_platform
from support.served import eventually

RSA = RSAKey.generate_key(2048)
P256 = ECKey.generate_key("P-256")


@pytest.fixture
def platform() -> Iterator[Platform]:
    with open_platform() as opened:
        opened.publish(RSA, kid="rsa")
        yield opened


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.seconds = 5000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
async def jwks(platform: Platform) -> AsyncIterator[tuple[Jwks, Clock]]:
    clock = Clock()
    keys = Jwks(platform.url, f"{platform.url}/keys", clock)
    yield keys, clock
    await keys.close()


async def test_keys_are_fetched_when_needed_and_no_oftener(platform: Platform, jwks: tuple[Jwks, Clock]) -> None:
    keys, clock = jwks
    for n in range(20):
        assert await keys.candidates("rsa", "RS256")
        assert await keys.newer_candidates(f"unknown-{n}", "RS256") == []
    assert platform.asked == 1
    platform.publish(P256, kid="new")
    clock.seconds += RETRY_SECONDS
    assert await keys.candidates("new", "ES256") == [], "what is fresh is not asked for"
    assert await keys.newer_candidates("new", "ES256")
    assert platform.asked == 2
    del platform.keys[0]
    assert await keys.candidates("rsa", "RS256"), "what is known is not asked for"
    clock.seconds += FRESH_SECONDS
    assert await keys.candidates("rsa", "RS256") == [], "withdrawn by the platform"
    assert platform.asked == 3


BAD_ANSWERS = [
    (b"{}", 200),
    (b"[", 200),
    (b'{"keys": []}', 200),
    (b'{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}', 200),
    (b"<html>Sign in to the Wi-Fi</html>", 200),
    (b"x" * (MAX_BYTES + 1), 200),
    (b'{"keys": [' + b",".join([b"{}"] * (MAX_KEYS + 1)) + b"]}", 200),
    (b"", 302),
    (b"", 503),
]


async def test_the_last_good_keys_hold_while_the_platform_is_away(platform: Platform, jwks: tuple[Jwks, Clock]) -> None:
    keys, clock = jwks
    assert await keys.candidates("rsa", "RS256")
    for body, status in BAD_ANSWERS:
        platform.body, platform.status = body, status
        clock.seconds += FRESH_SECONDS
        asked = platform.asked
        for _ in range(3):
            assert await keys.candidates("rsa", "RS256")
            assert keys.retry_after() is None
        assert platform.asked == asked + 1
    clock.seconds += STALE_SECONDS
    assert await keys.candidates("rsa", "RS256") == []
    assert keys.retry_after() == FIRST_RETRY_SECONDS
    platform.body, platform.status = None, 200
    clock.seconds += FIRST_RETRY_SECONDS
    assert await keys.candidates("rsa", "RS256")


async def test_who_needs_keys_at_once_asks_once(platform: Platform, jwks: tuple[Jwks, Clock]) -> None:
    keys, clock = jwks
    for asked in (1, 2):
        found = await asyncio.gather(*(keys.newer_candidates(kid, "RS256") for kid in ["rsa", "unknown"] * 16))
        assert [bool(each) for each in found] == [True, False] * 16
        assert platform.asked == asked
        clock.seconds += FRESH_SECONDS


async def test_who_asks_holds_up_nobody_whose_key_is_known(platform: Platform, jwks: tuple[Jwks, Clock]) -> None:
    keys, clock = jwks
    assert await keys.candidates("rsa", "RS256")
    clock.seconds += FRESH_SECONDS
    platform.gate.clear()
    asking = asyncio.create_task(keys.candidates("rsa", "RS256"))
    await asyncio.to_thread(eventually, lambda: platform.asked == 2)
    assert await keys.candidates("rsa", "RS256"), "while the other one waits"
    assert not asking.done()
    platform.gate.set()
    assert await asking


async def test_a_redirect_is_not_followed(platform: Platform, jwks: tuple[Jwks, Clock]) -> None:
    platform.status = 302  # what is sent along would be the keys
    assert await jwks[0].candidates("rsa", "RS256") == []
    assert platform.asked == 1


async def test_nobody_listens(keyring: Keyring) -> None:
    keys = Jwks("http://127.0.0.1:9", "http://127.0.0.1:9/keys")
    assert await keys.candidates("rsa", "RS256") == []
    await keys.close()


def test_what_is_read_of_a_jwks() -> None:
    odd: list[Any] = [{}, {"kty": "RSA"}, {"kty": "XYZ", "kid": "x"}, {"kty": "EC", "crv": "P-256", "x": 1, "y": 2}]
    body = msgspec.json.encode({"keys": [*odd, P256.as_dict(private=False) | {"kid": "good"}]})
    assert [key.kid for key in read_jwks(body)] == ["good"]
    for wrong in (b"", b"[]", b"{}", b'{"keys": 1}', b'{"keys": [1]}', b"\xff", b'{"keys": []}', b'{"keys": [{}]}'):
        with pytest.raises(JwksError):
            read_jwks(wrong)
