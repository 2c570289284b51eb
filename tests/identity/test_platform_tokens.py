"""A platform's JWT opens a session; anything wrong with it opens none."""

import asyncio
import hmac
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from lingdang.identity.jwks import FRESH_SECONDS, MAX_BYTES, RETRY_SECONDS, STALE_SECONDS, Jwks, JwksError, read_jwks
from lingdang.identity.platform_tokens import PlatformTokens
from lingdang.keys import Keyring
from lingdang.settings import Settings, SettingsError, load_settings
from support.people import PASSWORD
from support.platform import AUDIENCE, ISSUER, Key, Platform, open_platform
from support.shop import Shop, open_shop

RSA = RSAKey.generate_key(2048)
P256, P384, P521 = (ECKey.generate_key(curve) for curve in ("P-256", "P-384", "P-521"))
ED25519 = OKPKey.generate_key("Ed25519")
STRANGER = RSAKey.generate_key(2048)


@pytest.fixture
def platform() -> Iterator[Platform]:
    with open_platform() as opened:
        opened.publish(RSA, kid="rsa")
        yield opened


@pytest.fixture
async def shop(database_url: str, keyring: Keyring, platform: Platform) -> AsyncIterator[Shop]:
    settings = {"oidc_issuer": ISSUER, "oidc_audience": AUDIENCE, "oidc_jwks_url": f"{platform.url}/keys"}
    async with open_shop(database_url, keyring, **settings) as opened:
        yield opened


async def sign_in(shop: Shop, token: str, **body: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return await shop.http.post("/v1/sessions", json={"signType": "HMAC-SHA256"} | body, headers=headers)


async def test_a_platforms_customer_signs_in_and_out(shop: Shop, platform: Platform) -> None:
    token = platform.token(RSA, "RS256", "rsa", sub="tenant:ann-1")
    answer = await sign_in(shop, token)
    body = answer.json()
    assert (answer.status_code, body["custId"], len(body["signKey"])) == (201, "tenant:ann-1", 43)
    headers = {"Authorization": f"Bearer {body['sessionToken']}", "X-Cust-Id": "tenant:ann-1"}
    assert (await shop.http.get("/v1/cart", headers=headers)).status_code == 200
    assert (await shop.http.delete("/v1/sessions/current", headers=headers)).status_code == 204
    assert (await shop.http.get("/v1/cart", headers=headers)).status_code == 401
    platform_token = {"Authorization": f"Bearer {token}", "X-Cust-Id": "tenant:ann-1"}
    assert (await shop.http.get("/v1/cart", headers=platform_token)).status_code == 401, "it is no session"
    assert platform.asked == 1


@pytest.mark.parametrize(
    ("key", "algs"),
    [
        (RSA, ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]),
        (P256, ["ES256"]),
        (P384, ["ES384"]),
        (P521, ["ES512"]),
        (ED25519, ["EdDSA", "Ed25519"]),
    ],
)
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
async def test_each_asymmetric_algorithm(shop: Shop, platform: Platform, key: Key, algs: list[str]) -> None:
    platform.keys.clear()
    platform.publish(key, kid="k")
    for alg in algs:
        for kid in ("k", None):  # with one key, a token need not name it
            assert (await sign_in(shop, platform.token(key, alg, kid))).status_code == 201, alg


NOW = int(time.time())
WRONG_CLAIMS: list[dict[str, Any]] = [
    {"iss": "https://login.example/"},
    {"iss": None},
    {"aud": "another"},
    {"aud": []},
    {"aud": ["another", "third"]},
    {"aud": None},
    {"exp": NOW - 120},
    {"exp": None},
    {"exp": "9999999999"},
    {"exp": True},
    {"nbf": NOW + 3600},
    {"nbf": "soon"},
    {"iat": NOW + 3600},
    {"iat": "now"},
    {"sub": None},
    {"sub": ""},
    {"sub": "a b"},
    {"sub": "a" * 65},
    {"sub": "ann\n"},
    {"sub": 17},
]


@pytest.mark.parametrize("claims", WRONG_CLAIMS, ids=[f"{n}-{next(iter(each))}" for n, each in enumerate(WRONG_CLAIMS)])
async def test_wrong_claims(shop: Shop, platform: Platform, claims: dict[str, Any]) -> None:
    answer = await sign_in(shop, token := platform.token(RSA, "RS256", "rsa", **claims))
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert token.split(".")[2] not in answer.text


async def test_claims_that_are_fine(shop: Shop, platform: Platform) -> None:
    for claims in (
        {"aud": ["another", AUDIENCE]},
        {"nbf": int(time.time()) + 45, "iat": int(time.time()) + 45},
        {"exp": int(time.time()) - 45},
        {"iat": None},
        {"exp": time.time() + 0.5, "scope": ["x"], "email": None},
    ):
        assert (await sign_in(shop, platform.token(RSA, "RS256", "rsa", **claims))).status_code == 201, claims


async def test_wrong_keys_and_algorithms(shop: Shop, platform: Platform) -> None:
    platform.publish(P256, kid="ec", alg="ES384")
    platform.publish(P384, kid="p384")
    platform.publish(STRANGER, kid="enc", use="enc")
    platform.publish(RSAKey.generate_key(1024, auto_kid=False), kid="weak")
    shared = OctKey.import_key(b"s" * 32)
    platform.keys.append(shared.as_dict(private=True) | {"kid": "oct"})
    public = RSA.as_pem(private=False)
    good = platform.token(RSA, "RS256", "rsa")
    head, payload, signature = good.split(".")
    signed = f"eyJhbGciOiJIUzI1NiIsImtpZCI6InJzYSJ9.{payload}"
    confused = urlsafe_b64encode(hmac.digest(public, signed.encode(), "sha256")).rstrip(b"=").decode()
    none = "eyJhbGciOiJub25lIn0." + payload + "."
    tokens = {
        "a stranger's key": platform.token(STRANGER, "RS256", "rsa"),
        "an unknown key id": platform.token(RSA, "RS256", "other"),
        "no key id, several keys": platform.token(RSA, "RS256", None),
        "a key for encryption": platform.token(STRANGER, "RS256", "enc"),
        "the key is for another algorithm": platform.token(P256, "ES256", "ec"),
        "an algorithm of another key's kind": platform.token(P256, "ES256", "rsa"),
        "a shared secret": platform.token(shared, "HS256", "oct"),
        "the public key as a secret": f"{signed}.{confused}",
        "no signature": none,
        "an empty signature": f"{head}.{payload}.",
        "a header that is no object": f"W10.{payload}.{signature}",
        "a nested header": "eyJhIjpb" + "W1tb" * 1500 + f".{payload}.{signature}",
        "a long one": good + "A" * 9000,
        "an odd crit": "eyJhbGciOiJSUzI1NiIsImtpZCI6InJzYSIsImNyaXQiOjV9" + f".{payload}.{signature}",
        "two parts": f"{head}.{payload}",
        "not ASCII": "é.é.é",
    }
    for name, token in tokens.items():
        headers = {"Authorization": f"Bearer {token}".encode()}
        answer = await shop.http.post("/v1/sessions", json={"signType": "MD5"}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), name
    assert (await sign_in(shop, good)).status_code == 201


def signed(header: dict[str, Any]) -> str:
    """A token of that very header, rightly signed with RS256, whatever the header says."""
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": int(time.time()) + 300}
    parts = [urlsafe_b64encode(msgspec.json.encode(part)).rstrip(b"=") for part in (header, claims)]
    signature = RSA.private_key.sign(b".".join(parts), PKCS1v15(), SHA256())
    return b".".join([*parts, urlsafe_b64encode(signature).rstrip(b"=")]).decode()


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["exp"]},
        {"crit": ["b64"], "b64": True},
        {"crit": []},
        {"crit": None},
        {"typ": "logout+jwt"},
        {"typ": "order+jwe"},
        {"typ": "JWTX"},
        {"typ": ""},
        {"typ": 1},
        {"alg": "PS256"},
        {"alg": "RS512"},
        {"alg": None},
        {"kid": 1},
    ],
    ids=str,
)
async def test_a_right_signature_under_a_wrong_header(shop: Shop, header: dict[str, Any]) -> None:
    answer = await sign_in(shop, signed({"alg": "RS256", "kid": "rsa"} | header))
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_what_a_token_may_say_it_is(shop: Shop) -> None:
    assert (await sign_in(shop, signed({"alg": "RS256", "kid": "rsa"}))).status_code == 201
    for typ in ("JWT", "jwt", "at+jwt", "application/at+jwt"):
        assert (await sign_in(shop, signed({"alg": "RS256", "kid": "rsa", "typ": typ}))).status_code == 201, typ


async def test_a_changed_character(shop: Shop, platform: Platform) -> None:
    token = platform.token(RSA, "RS256", "rsa")
    for at in range(0, len(token), 7):
        other = "A" if token[at] != "A" else "B"
        assert (await sign_in(shop, token[:at] + other + token[at + 1 :])).status_code == 401
    assert (await sign_in(shop, token)).status_code == 201


async def test_a_token_and_a_password_together(shop: Shop, platform: Platform) -> None:
    token = platform.token(RSA, "RS256", "rsa")
    answer = await sign_in(shop, token, custId="ann", password=PASSWORD)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert (await sign_in(shop, token, custId="ann")).status_code == 400
    assert PASSWORD not in answer.text
    assert shop.sql("SELECT * FROM login_attempt") == []


async def test_without_a_platform_a_token_opens_nothing(
    database_url: str, keyring: Keyring, platform: Platform
) -> None:
    async with open_shop(database_url, keyring) as shop:
        answer = await sign_in(shop, platform.token(RSA, "RS256", "rsa"))
    assert (answer.status_code, answer.json()["code"], platform.asked) == (401, "unauthenticated", 0)


@pytest.mark.parametrize("missing", ["oidc_issuer", "oidc_audience", "oidc_jwks_url"])
def test_half_a_platform_is_no_configuration(missing: str) -> None:
    whole = {"oidc_issuer": ISSUER, "oidc_audience": AUDIENCE, "oidc_jwks_url": "https://login.example/keys"}
    assert PlatformTokens.configured(Settings(**whole)) is not None  # type: ignore[arg-type]
    assert PlatformTokens.configured(Settings()) is None
    for nothing in (None, ""):
        with pytest.raises(SettingsError, match=f"LINGDANG_{missing.upper()}"):
            load_settings({}, **(whole | {missing: nothing}))


async def test_the_platform_being_away_or_broken_opens_nothing(shop: Shop, platform: Platform) -> None:
    platform.status = 500
    assert (await sign_in(shop, platform.token(RSA, "RS256", "rsa"))).status_code == 401


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.seconds = 5000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
async def jwks(platform: Platform) -> AsyncIterator[tuple[Jwks, Clock]]:
    clock = Clock()
    keys = Jwks(f"{platform.url}/keys", clock)
    yield keys, clock
    await keys.close()


async def test_keys_are_fetched_when_needed_and_no_oftener(platform: Platform, jwks: tuple[Jwks, Clock]) -> None:
    keys, clock = jwks
    for _ in range(3):
        assert await keys.find("rsa")
        assert await keys.find("unknown") is None
    assert platform.asked == 1
    platform.publish(P256, kid="new")
    clock.seconds += RETRY_SECONDS
    assert await keys.find("new")
    assert platform.asked == 2
    del platform.keys[0]
    assert await keys.find("rsa"), "what is known is not asked for"
    clock.seconds += FRESH_SECONDS
    assert await keys.find("rsa") is None, "withdrawn by the platform"
    assert platform.asked == 3


async def test_the_last_keys_stay_while_the_platform_is_away(platform: Platform, jwks: tuple[Jwks, Clock]) -> None:
    keys, clock = jwks
    assert await keys.find("rsa")
    for body, status in ((b"{}", 200), (b"[", 200), (b"x" * (MAX_BYTES + 1), 200), (b"", 302), (b"", 503)):
        platform.body, platform.status = body, status
        clock.seconds += FRESH_SECONDS
        asked = platform.asked
        for _ in range(3):
            assert await keys.find("rsa")
        assert platform.asked == asked + 1
    clock.seconds += STALE_SECONDS
    assert await keys.find("rsa") is None
    platform.body, platform.status = None, 200
    clock.seconds += RETRY_SECONDS
    assert await keys.find("rsa")


async def test_who_needs_keys_at_once_asks_once(platform: Platform, jwks: tuple[Jwks, Clock]) -> None:
    keys, clock = jwks
    for asked in (1, 2):
        found = await asyncio.gather(*(keys.find(kid) for kid in ["rsa", "unknown"] * 16))
        assert [key is not None for key in found] == [True, False] * 16
        assert platform.asked == asked
        clock.seconds += FRESH_SECONDS


async def test_a_redirect_is_not_followed(platform: Platform, jwks: tuple[Jwks, Clock]) -> None:
    platform.status = 302  # what is sent along would be the keys
    assert await jwks[0].find("rsa") is None
    assert platform.asked == 1


async def test_nobody_listens(keyring: Keyring) -> None:
    keys = Jwks("http://127.0.0.1:9/keys")
    assert await keys.find("rsa") is None
    await keys.close()


def test_what_is_read_of_a_jwks() -> None:
    odd: list[Any] = [{}, {"kty": "RSA"}, {"kty": "XYZ", "kid": "x"}, {"kty": "EC", "crv": "P-256", "x": 1, "y": 2}]
    body = msgspec.json.encode({"keys": [*odd, P256.as_dict(private=False) | {"kid": "good"}]})
    assert list(read_jwks(body)) == ["good"]
    for wrong in (b"", b"[]", b"{}", b'{"keys": 1}', b'{"keys": [1]}', b"\xff"):
        with pytest.raises(JwksError):
            read_jwks(wrong)
