"""An issuer's own document says where its keys are, and is believed only when it is that issuer's."""

from collections.abc import Iterator

import msgspec
import pytest
from joserfc.jwk import RSAKey
from structlog.testing import capture_logs

from lingdang.identity.discovery import DiscoveryError, discovery_url, jwks_url_in
from lingdang.identity.jwks import Jwks
from support.platform import Platform, open_platform

RSA = RSAKey.generate_key(2048)
PATH = "/realms/shop/.well-known/openid-configuration"


@pytest.fixture
def platform() -> Iterator[Platform]:
    with open_platform() as opened:
        opened.publish(RSA, kid="rsa")
        yield opened


@pytest.mark.parametrize(
    ("issuer", "url"),
    [
        ("https://shop.eu.auth0.com/", "https://shop.eu.auth0.com/.well-known/openid-configuration"),
        ("https://accounts.google.com", "https://accounts.google.com/.well-known/openid-configuration"),
        ("https://id.example/realms/shop", "https://id.example/realms/shop/.well-known/openid-configuration"),
    ],
)
def test_where_the_document_is(issuer: str, url: str) -> None:
    assert discovery_url(issuer) == url


def document(issuer: str, jwks_uri: object) -> bytes:
    return msgspec.json.encode({"issuer": issuer, "jwks_uri": jwks_uri, "token_endpoint": "https://x.example/token"})


def test_a_document_of_this_issuer() -> None:
    body = document("https://a.example/", "https://keys.example/a")
    assert jwks_url_in(body, "https://a.example/") == "https://keys.example/a"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (document("https://b.example", "https://a.example/keys"), "of the issuer https://b.example, not of"),
        (document("https://a.example/", "https://a.example/keys"), "of the issuer https://a.example/, not of"),
        (document("https://a.example", "http://a.example/keys"), "jwks_uri is http://a.example/keys"),
        (document("https://a.example", "file:///etc/passwd"), "jwks_uri is file:"),
        (document("https://a.example", None), "no discovery document"),
        (b"<html>", "no discovery document"),
        (b"\xff", "no discovery document"),
    ],
)
def test_a_document_that_is_not_believed(body: bytes, reason: str) -> None:
    with pytest.raises(DiscoveryError, match=reason):
        jwks_url_in(body, "https://a.example")


async def test_keys_are_found_by_the_document(platform: Platform) -> None:
    issuer = f"{platform.url}/realms/shop"
    platform.documents[PATH] = document(issuer, f"{platform.url}/keys")
    keys = Jwks(issuer, None)
    assert await keys.candidates("rsa", "RS256")
    assert platform.asked == 2
    await keys.close()


async def test_an_issuer_without_a_document_has_no_keys_and_the_log_says_why(platform: Platform) -> None:
    platform.status = 404
    keys = Jwks(platform.url, None)
    with capture_logs() as events:
        assert await keys.candidates("rsa", "RS256") == []
    [event] = [each for each in events if each["event"] == "jwks_not_fetched"]
    assert event["reason"] == f"{platform.url}/.well-known/openid-configuration answered 404"
    assert keys.retry_after() is not None
    await keys.close()
