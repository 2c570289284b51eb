"""`lingdang oidc check` says of a token whom it signs in, or why nobody."""

import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result
from joserfc.jwk import RSAKey

from lingdang.cli.main import main
from support.platform import AUDIENCE, ISSUER, Platform, open_platform

RSA = RSAKey.generate_key(2048)


@pytest.fixture
def platform() -> Iterator[Platform]:
    with open_platform() as opened:
        opened.publish(RSA, kid="rsa")
        yield opened


def check(platform: Platform, token: str, *options: str, stdin: str = "") -> Result:
    environ = {
        "LINGDANG_OIDC_ISSUER": ISSUER,
        "LINGDANG_OIDC_AUDIENCE": AUDIENCE,
        "LINGDANG_OIDC_JWKS_URL": f"{platform.url}/keys",
    }
    return CliRunner().invoke(main, ["oidc", "check", token, *options], input=stdin, env=environ)


def test_a_token_that_signs_in(platform: Platform) -> None:
    token = platform.token(RSA, "RS256", "rsa", sub="auth0|5f7c")
    for result in (check(platform, token), check(platform, "-", stdin=f"Bearer {token}\n")):
        assert result.exit_code == 0
        assert result.output.endswith("accepted: signs in auth0|5f7c\n")
        assert '"kid":"rsa"' in result.output
        assert token.split(".")[2] not in result.output, "the signature is not shown: the output may be passed on"


def test_a_token_that_does_not(platform: Platform) -> None:
    result = check(platform, platform.token(RSA, "RS256", "rsa", aud="other"), "--json")
    said = json.loads(result.output)
    assert (result.exit_code, said["accepted"], said["claims"]["aud"]) == (1, False, "other")
    assert said["reason"] == f"the platform's token is refused: aud is other, and expected is {AUDIENCE}"


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("opaque", "it has no dot: an opaque access token"),
        ("a.b.c.d.e", "it is encrypted (JWE)"),
        ("a.b", "it is no JWT"),
        ("", "no token was given"),
    ],
)
def test_what_is_no_token(platform: Platform, token: str, reason: str) -> None:
    result = check(platform, token)
    assert result.exit_code == 1
    assert reason in result.output


def test_keys_that_are_away_are_told_from_a_bad_token(platform: Platform) -> None:
    platform.status = 500
    result = check(platform, platform.token(RSA, "RS256", "rsa"))
    assert result.exit_code == 1
    assert "no key of the platform is known" in result.output


def test_without_an_issuer_there_is_nothing_to_check() -> None:
    result = CliRunner().invoke(main, ["oidc", "check", "x"], env={})
    assert result.exit_code == 1
    assert "LINGDANG_OIDC_ISSUER" in result.output
