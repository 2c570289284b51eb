"""Several identity providers: each with its audience, its claim and its prefix, and none in another's place."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from lingdang.clock import system_clock
from lingdang.errors import Problem
from lingdang.identity.jwks import Jwks
from lingdang.identity.platform_tokens import PlatformTokens, Trusted
from lingdang.settings import OidcIssuer, SettingsError, load_settings
from support.platform import Platform, open_platform

KEYS = {name: RSAKey.generate_key(2048) for name in ("a", "b")}
A, B = "https://a.example/", "https://b.example"


@pytest.fixture
def platforms() -> Iterator[dict[str, Platform]]:
    with open_platform() as a, open_platform() as b:
        a.publish(KEYS["a"], kid="1")
        b.publish(KEYS["b"], kid="1")
        yield {"a": a, "b": b}


@pytest.fixture
async def tokens(platforms: dict[str, Platform]) -> AsyncIterator[PlatformTokens]:
    issuers = [
        OidcIssuer(issuer=A, audience="app-a", jwks_url=f"{platforms['a'].url}/keys"),
        OidcIssuer(issuer=B, audience="app-b", jwks_url=f"{platforms['b'].url}/keys", cust_claim="oid", prefix="b:"),
    ]
    opened = PlatformTokens([Trusted(each, Jwks(each.issuer, each.jwks_url)) for each in issuers])
    yield opened
    await opened.close()


async def verdict(tokens: PlatformTokens, platforms: dict[str, Platform], signer: str, **claims: Any) -> str:
    """The custId, or why there is none."""
    try:
        return await tokens.verify(platforms[signer].token(KEYS[signer], "RS256", "1", **claims), system_clock())
    except Problem as refused:
        return f"refused: {refused.why}"


async def test_each_issuer_by_its_own_rules(tokens: PlatformTokens, platforms: dict[str, Platform]) -> None:
    assert await verdict(tokens, platforms, "a", iss=A, aud="app-a", sub="7") == "7"
    assert await verdict(tokens, platforms, "b", iss=B, aud="app-b", sub="x", oid="7") == "b:7"
    assert (platforms["a"].asked, platforms["b"].asked) == (1, 1)


@pytest.mark.parametrize(
    ("signer", "claims", "reason"),
    [
        ("a", {"iss": B, "aud": "app-b", "oid": "7"}, "the signature does not verify"),
        ("b", {"iss": B, "aud": "app-a", "oid": "7"}, "aud is app-a, and expected is app-b"),
        ("b", {"iss": B, "aud": "app-b", "sub": "7"}, "it is sound, but has no claim oid"),
        ("b", {"iss": B, "aud": "app-b", "oid": ""}, "its claim oid makes no custId"),
        ("a", {"iss": A, "aud": "app-a", "sub": "b:7"}, "b:7 begins with another issuer's prefix"),
        ("a", {"iss": "https://a.example", "aud": "app-a"}, "iss is https://a.example, and trusted is https://a.exam"),
    ],
)
async def test_no_issuer_speaks_for_another(
    tokens: PlatformTokens, platforms: dict[str, Platform], signer: str, claims: dict[str, Any], reason: str
) -> None:
    assert reason in await verdict(tokens, platforms, signer, **claims)


async def test_an_issuer_that_is_away_does_not_keep_the_other_out(
    tokens: PlatformTokens, platforms: dict[str, Platform]
) -> None:
    platforms["b"].status = 500
    token = platforms["b"].token(KEYS["b"], "RS256", "1", iss=B, aud="app-b", oid="7")
    with pytest.raises(Problem, match="identity_unavailable"):
        await tokens.verify(token, system_clock())
    assert await verdict(tokens, platforms, "a", iss=A, aud="app-a", sub="7") == "7"


TWO = '[{"issuer": "https://a.example/", "audience": "x"}, {"issuer": "https://b.example", "audience": "y"}]'


def test_several_issuers_are_json_in_the_environment_and_tables_in_the_file(tmp_path: Any) -> None:
    assert [each.issuer for each in load_settings({"LINGDANG_OIDC_ISSUERS": TWO}).trusted_issuers] == [A, B]
    file = tmp_path / "shop.toml"
    file.write_text('[[LINGDANG_OIDC_ISSUERS]]\nissuer = "https://b.example"\naudience = "y"\nprefix = "b:"\n')
    [only] = load_settings({"LINGDANG_CONFIG": str(file)}).trusted_issuers
    assert only == OidcIssuer(issuer=B, audience="y", prefix="b:")
    assert load_settings({"LINGDANG_OIDC_ISSUERS": ""}).trusted_issuers == ()


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({"OIDC_ISSUERS": "https://a.example/"}, "OIDC_ISSUERS is no JSON array"),
        ({"OIDC_ISSUERS": '[{"issuer": "https://a.example/"}]'}, "missing required field `audience`"),
        ({"OIDC_ISSUERS": '[{"issuer": "https://a", "audience": "x", "clientId": "y"}]'}, "unknown field `clientId`"),
        ({"OIDC_ISSUERS": TWO, "OIDC_ISSUER": A, "OIDC_AUDIENCE": "x"}, "not both"),
        ({"OIDC_ISSUERS": TWO.replace("https://b.example", A)}, "names https://a.example/ twice"),
        ({"OIDC_ISSUERS": '[{"issuer": "a.example", "audience": "x"}]'}, "a.example is no URL"),
        ({"OIDC_ISSUERS": '[{"issuer": "https://a", "audience": "x", "prefix": "a b"}]'}, "prefix"),
        ({"OIDC_ISSUER": A}, "needs LINGDANG_OIDC_AUDIENCE"),
        ({"OIDC_AUDIENCE": "x"}, "need LINGDANG_OIDC_ISSUER"),
        ({"OIDC_ISSUER": A, "OIDC_AUDIENCE": "x", "OIDC_JWKS_URL": "ftp://a"}, "jwks_url"),
    ],
)
def test_issuers_that_cannot_be(environ: dict[str, str], reason: str) -> None:
    with pytest.raises(SettingsError, match=reason):
        load_settings({f"LINGDANG_{name}": value for name, value in environ.items()})


def test_keys_at_a_given_place_need_no_url_for_an_issuer() -> None:
    environ = {
        "LINGDANG_OIDC_ISSUER": "accounts.google.com",
        "LINGDANG_OIDC_AUDIENCE": "x",
        "LINGDANG_OIDC_JWKS_URL": "https://www.googleapis.com/oauth2/v3/certs",
    }
    assert [each.issuer for each in load_settings(environ).trusted_issuers] == ["accounts.google.com"]
