"""A platform's JWT opens a session; anything wrong with it opens none."""

import asyncio
import hmac
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from structlog.testing import capture_logs

from lingdang.clock import system_clock
from lingdang.deployment import Deployment
from lingdang.identity.platform_tokens import PlatformTokens
from lingdang.keys import Keyring
from lingdang.moving.personal import rename_customer
from lingdang.settings import Settings, SettingsError, load_settings
from support.people import PASSWORD, api_key
from support.platform import AUDIENCE, ISSUER, Key, Platform, open_platform
from support.shop import Shop, open_shop

RSA = RSAKey.generate_key(2048)
P256, P384, P521 = (ECKey.generate_key(curve) for curve in ("P-256", "P-384", "P-521"))
ED25519 = OKPKey.generate_key("Ed25519")
RSA_2 = RSAKey.generate_key(2048)
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


async def test_a_renamed_customer_signs_in_at_once(shop: Shop, platform: Platform) -> None:
    """What ended with the old name is no session of the new one."""
    tokens = [platform.token(RSA, "RS256", "rsa", sub=sub) for sub in ("ann", "anna")]
    opened = [(await sign_in(shop, tokens[0])).json()]
    deployment = Deployment(Settings(), shop.database_url, shop.keyring, 1)
    await asyncio.to_thread(rename_customer, deployment, "ann", "anna")
    opened.append((await sign_in(shop, tokens[1])).json())
    headers = [{"Authorization": f"Bearer {o['sessionToken']}", "X-Cust-Id": o["custId"]} for o in opened]
    assert [(await shop.http.get("/v1/wallet", headers=each)).status_code for each in headers] == [401, 200]
    assert shop.sql("SELECT customer_id FROM customer") == [("anna",)]


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


async def test_the_first_sign_in_adds_the_customer_and_every_other_finds_them(shop: Shop, platform: Platform) -> None:
    token = platform.token(RSA, "RS256", "rsa", sub="ann")
    answers = [*await asyncio.gather(*(sign_in(shop, token) for _ in range(8))), await sign_in(shop, token)]
    [(key, password)] = shop.sql("SELECT customer, password_hash FROM customer WHERE customer_id = 'ann'")
    assert password is None
    for answer in answers:
        bearer = f"Bearer {answer.json()['sessionToken']}"
        assert shop.sessions.authenticate(bearer, "ann", system_clock()).owner.customer == key
    assert shop.sql("SELECT count(*) FROM customer") == [(1,)]


async def test_whom_the_platform_added_before_finds_their_bells(shop: Shop, platform: Platform) -> None:
    headers = await api_key(shop)
    body = {"creditId": "c", "amount": 300, "kind": "paid", "reason": "R", "createCustomer": True}
    assert (await shop.http.post("/v1/admin/wallets/ann/credits", json=body, headers=headers)).status_code == 200
    answer = await sign_in(shop, platform.token(RSA, "RS256", "rsa", sub="ann"))
    own = {"Authorization": f"Bearer {answer.json()['sessionToken']}", "X-Cust-Id": "ann"}
    wallet = (await shop.http.get("/v1/wallet", headers=own)).json()
    assert [each["balance"] for each in wallet["balances"]] == [300]


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
WRONG_CLAIMS: list[tuple[dict[str, Any], str]] = [
    ({"iss": "https://login.example/"}, f"iss is https://login.example/, and trusted is {ISSUER}"),
    ({"iss": None}, "missing required field `iss`"),
    ({"aud": "another"}, f"aud is another, and expected is {AUDIENCE}"),
    ({"aud": []}, "aud is [], and expected"),
    ({"aud": ["another", "third"]}, "aud is ['another', 'third'], and expected"),
    ({"aud": None}, "missing required field `aud`"),
    ({"exp": NOW - 120}, "it expired "),
    ({"exp": None}, "missing required field `exp`"),
    ({"exp": "9999999999"}, "got `str` - at `$.exp`"),
    ({"exp": True}, "got `bool` - at `$.exp`"),
    ({"nbf": NOW + 36000}, "nbf is 3"),
    ({"nbf": "soon"}, "got `str` - at `$.nbf`"),
    ({"iat": NOW + 36000}, "iat is 3"),
    ({"iat": "now"}, "got `str` - at `$.iat`"),
    ({"sub": None}, "it is sound, but has no claim sub"),
    ({"sub": 17}, "it is sound, but its claim sub is no text"),
    ({"sub": ["ann"]}, "it is sound, but its claim sub is no text"),
    ({"sub": ""}, "it is sound, but its claim sub makes no custId: . 1 to 128 of"),
    ({"sub": "a b"}, "it is sound, but its claim sub makes no custId: a b. 1 to 128 of"),
    ({"sub": "a" * 129}, f"it is sound, but its claim sub makes no custId: {'a' * 128}. 1 to 128 of"),
    ({"sub": "ann\n"}, "it is sound, but its claim sub makes no custId: ann\n. 1 to 128 of"),
    ({"sub": "."}, "it is sound, but its claim sub makes no custId: .. 1 to 128 of"),
    ({"sub": ".."}, "it is sound, but its claim sub makes no custId: ... 1 to 128 of"),
    ({"sub": "änn"}, "it is sound, but its claim sub makes no custId: änn. 1 to 128 of"),
]


def reason_of(events: Sequence[Any]) -> str:
    """Why the one request that was refused was refused, as the log has it."""
    [refused] = [event for event in events if event["event"] == "access_refused"]
    return str(refused["reason"])


@pytest.mark.parametrize(
    ("claims", "reason"), WRONG_CLAIMS, ids=[f"{n}-{next(iter(each))}" for n, (each, _) in enumerate(WRONG_CLAIMS)]
)
async def test_wrong_claims(shop: Shop, platform: Platform, claims: dict[str, Any], reason: str) -> None:
    token = platform.token(RSA, "RS256", "rsa", **claims)
    with capture_logs() as events:
        answer = await sign_in(shop, token)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert reason in reason_of(events)
    assert token.split(".")[2] not in answer.text + str(events)
    assert "LINGDANG" not in answer.text, "only the operator is told why"
    assert shop.sql("SELECT * FROM customer") == []


SUBJECTS = [
    "auth0|5f7c8ec7c33c6c004bbafe82",
    "google-oauth2|107691426346826513447",
    "reader@example.org",
    "reader+books@example.org",
    "~tilde|and:colon",
    "f:550e8400-e29b-41d4-a716-446655440000:ann",
    "...",
    "a" * 128,
]


@pytest.mark.parametrize("subject", SUBJECTS, ids=[each[:12] for each in SUBJECTS])
async def test_subjects_of_identity_providers_are_cust_ids(shop: Shop, platform: Platform, subject: str) -> None:
    answer = await sign_in(shop, platform.token(RSA, "RS256", "rsa", sub=subject))
    assert (answer.status_code, answer.json()["custId"]) == (201, subject)
    headers = {"Authorization": f"Bearer {answer.json()['sessionToken']}", "X-Cust-Id": subject}
    assert (await shop.http.get("/v1/sessions/current", headers=headers)).json()["custId"] == subject
    assert (await shop.http.get("/v1/wallet", headers=headers | {"X-Cust-Id": subject + "x"})).status_code == 403


@pytest.mark.parametrize("claim", ["user_id", "https://shop.example/cust_id"])
async def test_another_claim_names_the_customer(
    database_url: str, keyring: Keyring, platform: Platform, claim: str
) -> None:
    settings = {"oidc_issuer": ISSUER, "oidc_audience": AUDIENCE, "oidc_jwks_url": f"{platform.url}/keys"}
    async with open_shop(database_url, keyring, **settings, oidc_cust_claim=claim) as shop:
        answer = await sign_in(shop, platform.token(RSA, "RS256", "rsa", **{claim: "ann-17"}))
        assert (answer.status_code, answer.json()["custId"]) == (201, "ann-17")
        with capture_logs() as events:
            assert (await sign_in(shop, platform.token(RSA, "RS256", "rsa"))).status_code == 401
        assert f"it is sound, but has no claim {claim}" in reason_of(events)


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
        "no key id, and none of several keys": platform.token(STRANGER, "RS256", None),
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
    reasons = {}
    for name, token in tokens.items():
        headers = {"Authorization": f"Bearer {token}".encode()}
        with capture_logs() as events:
            answer = await shop.http.post("/v1/sessions", json={"signType": "MD5"}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), name
        reasons[name] = reason_of(events)
    assert (await sign_in(shop, good)).status_code == 201
    assert all(reason.startswith("the platform's token is refused: ") for reason in reasons.values())
    for name, reason in {
        "a stranger's key": "the signature does not verify",
        "an unknown key id": "no key of the platform fits kid other and alg RS256",
        "no key id, and none of several keys": "the signature does not verify",
        "a key for encryption": "no key of the platform fits kid enc and alg RS256",
        "the key is for another algorithm": "no key of the platform fits kid ec and alg ES256",
        "a shared secret": "alg is HS256, and accepted is RS256, ",
        "no signature": "alg is none, and accepted is ",
        "an empty signature": "the signature does not verify",
        "a long one": "it is longer than 8192 characters",
        "two parts": "it is no JWT, which has three parts",
    }.items():
        assert reason in reasons[name], name


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


@pytest.mark.parametrize("missing", ["oidc_issuer", "oidc_audience"])
def test_half_an_issuer_is_no_configuration(missing: str) -> None:
    whole = {"oidc_issuer": ISSUER, "oidc_audience": AUDIENCE, "oidc_jwks_url": "https://login.example/keys"}
    assert PlatformTokens.configured(Settings(**whole)) is not None  # type: ignore[arg-type]
    assert PlatformTokens.configured(Settings()) is None
    for nothing in (None, ""):
        with pytest.raises(SettingsError, match=f"LINGDANG_{missing.upper()}"):
            load_settings({}, **(whole | {missing: nothing}))
