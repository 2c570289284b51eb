"""Sessions over HTTP: opened, shown, ended, and refused in every other case."""

import asyncio
import string
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

import lingdang.identity.sessions as module
from lingdang.clock import system_clock
from lingdang.errors import Problem
from lingdang.identity.sessions import Sessions
from lingdang.keys import Keyring, retire, rotate
from lingdang.settings import SIGN_TYPES, SignType
from support.buyer import Buyer, books, buyer, jwk_of, stock
from support.customers import customer_of
from support.people import login
from support.shop import Shop, open_shop

PRIVATE = ec.generate_private_key(ec.SECP256R1())
JWK = jwk_of(PRIVATE)


async def every_route(ann: Buyer) -> dict[str, int]:
    """The status of one request to each route on a customer's behalf."""
    http, headers = ann.shop.http, ann.headers
    payment = ann.payment("x", ["book-1"])
    requests: list[tuple[str, str, Any]] = [
        ("GET", "/v1/sessions/current", None),
        ("DELETE", "/v1/sessions/current", None),
        ("GET", "/v1/cart", None),
        ("PATCH", "/v1/cart", {"ticked": True}),
        ("PUT", "/v1/cart/items/book-1", {}),
        ("DELETE", "/v1/cart/items/book-1", None),
        ("GET", "/v1/products", None),
        ("GET", "/v1/products/book-1", None),
        ("POST", "/v1/checkout", {"productIds": ["book-1"]}),
        ("GET", "/v1/orders", None),
        ("GET", "/v1/wallet", None),
        ("GET", "/v1/wallet/entries", None),
        ("GET", "/v1/entitlements", None),
        ("GET", "/v1/access?productId=book-1", None),
        ("POST", "/v1/payments", payment),
    ]
    answers = [await http.request(method, path, json=body, headers=headers) for method, path, body in requests]
    return {f"{r[0]} {r[1]}": answer.status_code for r, answer in zip(requests, answers, strict=True)}


async def test_after_a_logout_every_server_refuses(shop: Shop, database_url: str, keyring: Keyring) -> None:
    """The other server knows the token from before, in its memory."""
    stock(shop, "book-1")
    ann = await login(shop)
    async with open_shop(database_url, keyring) as other:
        there = Buyer(other, "ann", ann.token, ann.sign_type, ann.sign_key)
        token = (await there.checkout("book-1"))["orderToken"]
        before = books(shop)
        answer = await shop.http.delete("/v1/sessions/current", headers=ann.headers)
        assert (answer.status_code, answer.content) == (204, b"")
        for who in (ann, there):
            statuses = await every_route(who)
            # A payment with an unreadable order token is refused for that before the database is asked.
            assert statuses.pop("POST /v1/payments") == 400
            assert set(statuses.values()) == {401}, statuses
            assert (await who.send(who.payment(token, ["book-1"]))).status_code == 401
        assert books(shop) == before
        assert shop.sql("SELECT count(*) FROM session_end") == [(1,)]


async def test_a_logout_ends_no_other_session(shop: Shop) -> None:
    ann = await login(shop)
    other = buyer(shop, "ann")
    answers = [shop.http.delete("/v1/sessions/current", headers=ann.headers) for _ in range(8)]
    assert {a.status_code for a in await asyncio.gather(*answers)} <= {204, 401}
    assert (await ann.get("/v1/sessions/current")).status_code == 401
    assert (await other.get("/v1/sessions/current")).status_code == 200


async def test_another_custid_is_refused(shop: Shop) -> None:
    ann = await login(shop)
    for ann.extra in ({"X-Cust-Id": "bob"}, {"X-Cust-Id": ""}, {"X-Cust-Id": "ANN"}):
        answer = await shop.http.delete("/v1/sessions/current", headers=ann.headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "cust_mismatch")
    answer = await shop.http.get("/v1/sessions/current", headers={"Authorization": f"Bearer {ann.token}"})
    assert (answer.status_code, answer.json()["code"]) == (403, "cust_mismatch")
    assert shop.sql("SELECT * FROM session_end") == []


def refused(sessions: Sessions, token: str, cust_id: str = "ann") -> bool:
    try:
        sessions.authenticate(f"Bearer {token}", cust_id, system_clock())
    except Problem as problem:
        return problem.code == "unauthenticated"
    return False


@pytest.mark.parametrize("sign_type", SIGN_TYPES)
def test_every_single_character_change_is_refused(keyring: Keyring, sign_type: SignType) -> None:
    """Changed, left out, or put in; the last character's unused bits too."""
    sessions = Sessions(keyring, 1, SIGN_TYPES, 3600)
    token = sessions.issue(
        customer_of("ann"), sign_type, JWK if sign_type == "ES256" else None, system_clock()
    ).session_token
    others = string.ascii_letters + string.digits + "-_=.+/ \n\0é"
    for at, here in enumerate(token):
        assert refused(sessions, token[:at] + token[at + 1 :])
        for other in others:
            if other != here:
                assert refused(sessions, token[:at] + other + token[at + 1 :]), (at, other)
    assert all(refused(sessions, token + other) for other in others)
    assert not refused(sessions, token)


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Basic YTpi",
        "bearer x.y.z",
        "Bearer ..",
        "Bearer " + "a" * 9000,
        "Bearer WyJhbGciXQ.e30.eA",
        "Bearer eyJhbGciOiJub25lIiwia2lkIjoiazEiLCJ0eXAiOiJzZXNzaW9uK2p3dCJ9.e30.",
        "Bearer ld_" + "a" * 43,
        "Bearer é",
    ],
)
async def test_what_is_no_session_token(shop: Shop, authorization: str) -> None:
    headers = {"Authorization": authorization.encode(), "X-Cust-Id": b"ann"}
    answer = await shop.http.delete("/v1/sessions/current", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert shop.sql("SELECT * FROM session_end") == []


async def test_an_expired_session_is_refused_though_it_was_known(shop: Shop, keyring: Keyring) -> None:
    sessions = Sessions(keyring, 1, SIGN_TYPES, 3600)
    now = system_clock().replace(microsecond=0)
    token = sessions.issue(customer_of("ann"), "MD5", None, now).session_token
    last = now + timedelta(seconds=3599.999)
    assert sessions.authenticate(f"Bearer {token}", "ann", last).expires_at == now + timedelta(hours=1)
    with pytest.raises(Problem, match="unauthenticated"):
        sessions.authenticate(f"Bearer {token}", "ann", now + timedelta(hours=1))
    old = shop.sessions.issue(customer_of("ann"), "MD5", None, now - timedelta(days=1)).session_token
    answer = await shop.http.get("/v1/cart", headers={"Authorization": f"Bearer {old}", "X-Cust-Id": "ann"})
    assert answer.status_code == 401


def test_rotation_goes_unnoticed_and_a_retired_key_opens_nothing(keyring: Keyring) -> None:
    sessions = Sessions(keyring, 1, SIGN_TYPES, 3600)
    old = sessions.issue(customer_of("ann"), "MD5", None, system_clock())
    assert not refused(sessions, old.session_token)
    rotate(keyring.path, system_clock(), system_clock())
    keyring.versions()  # have it read at once
    new = sessions.issue(customer_of("ann"), "MD5", None, system_clock())
    fresh = Sessions(Keyring(keyring.path), 1, SIGN_TYPES, 3600)
    for each in (sessions, fresh):
        found = each.authenticate(f"Bearer {old.session_token}", "ann", system_clock())
        assert found.sign_key == old.sign_key
        assert not refused(each, new.session_token)
    retire(keyring.path, 1, system_clock())
    keyring.versions()
    assert refused(sessions, old.session_token)
    assert not refused(sessions, new.session_token)


def test_another_deployments_token_is_refused(keyring: Keyring, tmp_path_factory: pytest.TempPathFactory) -> None:
    from lingdang.keys import create_keyring

    path = tmp_path_factory.mktemp("other") / "keyring.json"
    create_keyring(path, system_clock())
    token = (
        Sessions(Keyring(path), 1, SIGN_TYPES, 3600)
        .issue(customer_of("ann"), "MD5", None, system_clock())
        .session_token
    )
    assert refused(Sessions(keyring, 1, SIGN_TYPES, 3600), token)


def test_sign_keys_differ_and_are_found_again(keyring: Keyring) -> None:
    sessions = Sessions(keyring, 1, SIGN_TYPES, 3600)
    issued = [
        sessions.issue(customer_of(cust_id), "HMAC-SHA256", None, system_clock()) for cust_id in ("ann", "ann", "bob")
    ]
    assert len({each.sign_key for each in issued}) == 3
    for each in issued:
        again = Sessions(keyring, 1, SIGN_TYPES, 3600)
        session = again.authenticate(f"Bearer {each.session_token}", each.customer.cust_id, system_clock())
        assert session.sign_key == each.sign_key


def test_the_memory_of_tokens_is_bounded_by_use(keyring: Keyring, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CACHE_SIZE", 3)
    sessions = Sessions(keyring, 1, SIGN_TYPES, 3600)
    tokens = [sessions.issue(customer_of("ann"), "MD5", None, system_clock()).session_token for _ in range(10)]
    for token in tokens:
        assert not refused(sessions, tokens[0])
        assert not refused(sessions, token)
    assert len(sessions._known) == 3
    assert tokens[0] in sessions._known, "what is used often stays"
    assert not any(refused(sessions, token) for token in tokens)
