"""Tokens in the shapes that identity providers document: headers, claims and key sets as theirs, keys of ours."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey

from lingdang.clock import system_clock
from lingdang.errors import Problem
from lingdang.identity.jwks import Jwks
from lingdang.identity.platform_tokens import PlatformTokens, Trusted
from lingdang.settings import OidcIssuer
from support.platform import Key, open_platform

RSA = RSAKey.generate_key(2048)
P384 = ECKey.generate_key("P-384")
ENCRYPTING = RSAKey.generate_key(2048)
API = "https://api.shop.example"
NONE: Mapping[str, Any] = MappingProxyType({})


class Shape(NamedTuple):
    """What a provider sends, what the shop sets for it, and the custId that follows."""

    issuer: str
    audience: str
    claims: dict[str, Any]
    cust_id: str
    header: Mapping[str, Any] = NONE
    key: Key = RSA
    alg: str = "RS256"
    published: Mapping[str, Any] = NONE
    settings: Mapping[str, str] = NONE


TENANT = "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0"
SHAPES = {
    "Auth0, access token": Shape(
        issuer="https://shop.eu.auth0.com/",
        audience=API,
        claims={
            "sub": "auth0|5f7c8ec7c33c6c004bbafe82",
            "aud": [API, "https://shop.eu.auth0.com/userinfo"],
            "azp": "my_client_id",
            "scope": "openid profile email",
        },
        cust_id="auth0|5f7c8ec7c33c6c004bbafe82",
        header={"typ": "JWT"},
        published={"use": "sig", "alg": "RS256", "x5t": "kid", "x5c": ["MIIC"]},
    ),
    "Auth0, RFC 9068 profile": Shape(
        issuer="https://shop.eu.auth0.com/",
        audience=API,
        claims={"sub": "google-oauth2|107691426346826513447", "aud": API, "client_id": "c", "jti": "j"},
        cust_id="google-oauth2|107691426346826513447",
        header={"typ": "at+jwt"},
    ),
    "Keycloak, access token": Shape(
        issuer="https://id.example/realms/shop",
        audience="shop-api",
        claims={
            "sub": "f:550e8400-e29b-41d4-a716-446655440000:ann",
            "aud": ["shop-api", "account"],
            "typ": "Bearer",
            "azp": "front",
            "acr": "1",
            "sid": "8f5f3ad5",
            "realm_access": {"roles": ["offline_access"]},
            "preferred_username": "ann",
        },
        cust_id="ann",
        header={"typ": "JWT"},
        published={"use": "sig", "alg": "RS256"},
        settings={"cust_claim": "preferred_username"},
    ),
    "Google, ID token": Shape(
        issuer="https://accounts.google.com",
        audience="1234.apps.googleusercontent.com",
        claims={
            "sub": "107691426346826513447",
            "aud": "1234.apps.googleusercontent.com",
            "azp": "1234.apps.googleusercontent.com",
            "at_hash": "HK6E",
            "email": "ann@example.org",
            "email_verified": True,
        },
        cust_id="google:107691426346826513447",
        published={"use": "sig", "alg": "RS256"},
        settings={"prefix": "google:"},
    ),
    "Entra, v2.0": Shape(
        issuer=TENANT,
        audience="6e74172b-be56-4843-9ff4-e66a39bb12e3",
        claims={
            "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
            "aud": "6e74172b-be56-4843-9ff4-e66a39bb12e3",
            "oid": "690222be-ff1a-4d56-abd1-7e4f7d38e474",
            "tid": "72f988bf-86f1-41af-91ab-2d7cd011db47",
            "ver": "2.0",
            "nbf": int(time.time()),
        },
        cust_id="690222be-ff1a-4d56-abd1-7e4f7d38e474",
        header={"typ": "JWT"},
        published={"use": "sig", "x5t": "kid", "issuer": TENANT},
        settings={"cust_claim": "oid"},
    ),
    "Logto, access token": Shape(
        issuer="https://tenant.logto.app/oidc",
        audience=API,
        claims={"sub": "k2g5x8bqz0wm", "aud": API, "client_id": "c", "jti": "j", "scope": "read"},
        cust_id="k2g5x8bqz0wm",
        header={"typ": "at+jwt"},
        key=P384,
        alg="ES384",
        published={"use": "sig"},
    ),
    "Authing, ID token": Shape(
        issuer="https://shop.authing.cn/oidc",
        audience="60b9c1e4b4e1a3f0a1b2c3d4",
        claims={
            "sub": "5f719946524ee1099229496b",
            "aud": "60b9c1e4b4e1a3f0a1b2c3d4",
            "nonce": "n",
            "phone_number": None,
        },
        cust_id="5f719946524ee1099229496b",
        published={"use": "sig", "e": "AQAB"},
    ),
}


@asynccontextmanager
async def verifier(shape: Shape) -> AsyncIterator[PlatformTokens]:
    """The shop's, with the provider's key set beside it, in which a key for encryption stands too."""
    with open_platform() as platform:
        platform.publish(ENCRYPTING, kid="enc", use="enc", alg="RSA-OAEP")
        platform.publish(shape.key, kid="kid", **shape.published)
        issuer = OidcIssuer(issuer=shape.issuer, audience=shape.audience, **shape.settings)
        tokens = PlatformTokens([Trusted(issuer, Jwks(issuer.issuer, f"{platform.url}/keys"))])
        yield tokens
        await tokens.close()


def token(shape: Shape) -> str:
    now = int(time.time())
    claims = {"iss": shape.issuer, "iat": now, "exp": now + 3600} | shape.claims
    return jws.serialize_compact(
        {"alg": shape.alg, "kid": "kid", **shape.header}, msgspec.json.encode(claims), shape.key, [shape.alg]
    )


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
async def test_it_signs_in(shape: Shape) -> None:
    async with verifier(shape) as tokens:
        assert await tokens.verify(token(shape), system_clock()) == shape.cust_id


async def test_a_shared_secret_is_named_as_the_reason() -> None:
    """What Authing and others sign with unless RS256 is chosen there."""
    shape = SHAPES["Authing, ID token"]
    shared = OctKey.import_key(b"s" * 32)
    claims = {"iss": shape.issuer, "exp": int(time.time()) + 300} | shape.claims
    signed = jws.serialize_compact({"alg": "HS256"}, msgspec.json.encode(claims), shared, ["HS256"])
    async with verifier(shape) as tokens:
        with pytest.raises(Problem) as refused:
            await tokens.verify(signed, system_clock())
    assert "alg is HS256, and accepted is RS256" in str(refused.value.why)
