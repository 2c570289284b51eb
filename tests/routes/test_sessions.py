"""Opening a session over HTTP: what is answered, and which bodies are refused."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from lingdang.keys import Keyring
from lingdang.settings import SIGN_TYPES, SignType
from support.buyer import give, jwk_of, stock
from support.people import PASSWORD, login, open_session, register
from support.shop import Shop, open_shop

PRIVATE = ec.generate_private_key(ec.SECP256R1())


JWK = jwk_of(PRIVATE)


@pytest.mark.parametrize("sign_type", SIGN_TYPES)
async def test_login_and_buy(shop: Shop, sign_type: SignType) -> None:
    stock(shop, "book-1")
    await give(shop, "ann", 500)
    ann = await login(shop, "ann", sign_type)
    assert (ann.sign_key is None) == (sign_type == "ES256")
    assert ann.sign_key is None or len(ann.sign_key) == 43
    assert (await ann.buy("book-1")).status_code == 200


async def test_what_an_opened_session_says(shop: Shop) -> None:
    await register(shop, "ann")
    body = (await open_session(shop)).json()
    names = {"custId", "sessionId", "sessionToken", "signType", "signKey", "expiresAt", "serverTime"}
    assert set(body) == names
    assert set((await open_session(shop, signType="ES256", publicKey=JWK)).json()) == names - {"signKey"}
    headers = {"Authorization": f"Bearer {body['sessionToken']}", "X-Cust-Id": "ann"}
    current = (await shop.http.get("/v1/sessions/current", headers=headers)).json()
    assert set(current) == {"custId", "sessionId", "signType", "issuedAt", "expiresAt", "serverTime"}
    assert all(current[name] == body[name] for name in ("custId", "sessionId", "signType", "expiresAt"))
    assert PASSWORD not in str(shop.sql("SELECT * FROM customer"))


async def test_a_sign_type_that_is_switched_off(shop: Shop, database_url: str, keyring: Keyring) -> None:
    ann = await login(shop, "ann", "MD5")
    before = shop.sql("SELECT * FROM password_session")
    async with open_shop(database_url, keyring, sign_types=("ES256", "HMAC-SHA256")) as strict:
        answer = await open_session(strict, signType="MD5")
        assert (answer.status_code, answer.json()["errors"][0]["path"]) == (400, "$.signType")
        known = await strict.http.get("/v1/sessions/current", headers=ann.headers)
        assert (known.status_code, known.json()["code"]) == (401, "unauthenticated")
    assert shop.sql("SELECT * FROM password_session") == before


BAD_KEYS: list[Any] = [
    None,
    "text",
    {},
    JWK | {"d": JWK["x"]},
    JWK | {"unknown": 1},
    JWK | {"kty": "RSA"},
    JWK | {"crv": "P-384"},
    JWK | {"x": JWK["y"]},
    JWK | {"x": "A" * 43},
    JWK | {"x": JWK["x"][:-1]},
    JWK | {"x": JWK["x"] + "="},
    JWK | {"x": JWK["x"][:-1] + "B"},
    JWK | {"x": "_" * 42 + "8"},
    JWK | {"x": 1},
    JWK | {"use": "enc"},
    JWK | {"key_ops": ["sign"]},
    JWK | {"alg": "HS256"},
    {name: value for name, value in JWK.items() if name != "y"},
]


@pytest.mark.parametrize("public_key", BAD_KEYS, ids=range(len(BAD_KEYS)))
async def test_a_wrong_public_key(shop: Shop, public_key: Any) -> None:
    await register(shop, "ann")
    answer = await open_session(shop, signType="ES256", publicKey=public_key)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (400, "invalid_request"), answer.text
    assert all(error["path"].startswith("$.publicKey") for error in problem["errors"])
    assert shop.sql("SELECT * FROM password_session") == shop.sql("SELECT * FROM login_attempt") == []


async def test_a_public_key_is_for_es256_alone_and_may_come_as_webcrypto_exports_it(shop: Shop) -> None:
    await register(shop, "ann")
    answer = await open_session(shop, signType="MD5", publicKey=JWK)
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (400, "$.publicKey")
    exported = JWK | {"ext": True, "key_ops": ["verify"]}
    assert (await open_session(shop, signType="ES256", publicKey=exported)).status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        {"signType": None},
        {"signType": "SHA1"},
        {"custId": "a b"},
        {"custId": "ann\n"},
        {"custId": None},
        {"password": None},
        {"password": 12345678},
        {"password": "x" * 257},
        {"unknown": 1},
    ],
)
async def test_a_malformed_login(shop: Shop, body: dict[str, Any]) -> None:
    await register(shop, "ann")
    answer = await open_session(shop, **body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert PASSWORD not in answer.text
    assert "x" * 20 not in answer.text
    assert shop.sql("SELECT * FROM password_session") == shop.sql("SELECT * FROM login_attempt") == []


async def test_half_a_character_in_a_password(shop: Shop) -> None:
    raw = rb'{"custId": "ann", "password": "\ud800aaaaaaaa", "signType": "MD5"}'
    answer = await shop.http.post("/v1/sessions", content=raw)
    assert answer.status_code in (400, 401)


async def test_no_proof_at_all(shop: Shop) -> None:
    for headers in ({}, {"Authorization": "Bearer x.y.z"}):
        answer = await shop.http.post("/v1/sessions", json={"signType": "MD5"}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert shop.sql("SELECT * FROM password_session") == []
