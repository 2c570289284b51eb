"""Who signs in, who is refused and what a key does is in the log: enough to see an attack, and never a secret."""

import re
import time
from typing import Any

import pytest
from structlog.testing import capture_logs

from lingdang.errors import Problem
from lingdang.http.refusals import LINES_A_SECOND, Refusals
from support.buyer import buyer, stock
from support.customers import make_known
from support.people import api_key, login, open_session
from support.shop import Shop


def _of(events: list[Any], name: str) -> list[dict[str, Any]]:
    return [dict(event) for event in events if event["event"] == name]


async def test_signing_in_and_out(shop: Shop) -> None:
    with capture_logs() as events:
        ann = await login(shop)
        assert (await open_session(shop, password="a wrong one")).status_code == 401
        assert (await shop.http.delete("/v1/sessions/current", headers=ann.headers)).status_code == 204
    [opened], [refused], [ended] = (_of(events, f) for f in ("session_opened", "access_refused", "session_ended"))
    assert (opened["customer"], opened["by"], opened["sign_type"]) == ("ann", "password", "HMAC-SHA256")
    assert opened["client"] == refused["client"] == ended["client"] == "127.0.0.1"
    assert opened["session"] == ended["session"]
    assert (refused["customer"], refused["code"], refused["route"]) == ("ann", "unauthenticated", "/v1/sessions")
    assert "wrong one" not in str(events)


async def test_refused_on_both_ways_of_a_request(shop: Shop) -> None:
    stock(shop, "book-1")
    ann = buyer(shop)
    order = await ann.checkout("book-1")
    stranger = {"Authorization": "Bearer nobody", "X-Cust-Id": "ann", "X-Request-Id": "r-1"}
    with capture_logs() as events:
        await ann.send(ann.payment(order["orderToken"], ["book-1"], sign="0" * 64))
        await shop.http.post("/v1/checkout", json={"productIds": ["book-1"]}, headers=stranger)
        await shop.http.get("/v1/wallet", headers=stranger)
        await shop.http.get("/v1/wallet", headers=ann.headers | {"X-Cust-Id": "bob"})
        await ann.get("/v1/products/absent")
    told = [(e["code"], e["route"], e["customer"], e["reason"]) for e in _of(events, "access_refused")]
    altered = "the session token was altered, made elsewhere, or its key is retired"
    assert told == [
        ("sign_invalid", "/v1/payments", "ann", "the signature does not verify"),
        ("unauthenticated", "/v1/checkout", "ann", altered),
        ("unauthenticated", "/v1/wallet", "ann", altered),
        ("cust_mismatch", "/v1/wallet", "bob", "the session is of ann"),
    ]
    assert [e["request_id"] for e in _of(events, "access_refused")][1:3] == ["r-1", "r-1"]


async def test_what_a_key_does_and_may_not(shop: Shop) -> None:
    office = await api_key(shop, "orders:read", name="office")
    make_known(shop.database_url, "ann")
    with capture_logs() as events:
        assert (await shop.http.get("/v1/admin/orders?custId=ann", headers=office)).status_code == 200
        answer = await shop.http.put("/v1/admin/products/b", json={"title": "T", "price": 1}, headers=office)
        assert answer.status_code == 403
    [used], [refused] = _of(events, "key_used"), _of(events, "access_refused")
    assert (used["name"], used["scope"]) == ("office", "orders:read")
    assert (refused["code"], refused["key_id"]) == ("scope_missing", used["key_id"])
    assert refused["reason"] == "the key office lacks catalog:write"
    assert office["Authorization"].split("_", 2)[2] not in str(events)


async def test_each_refusal_says_why(shop: Shop) -> None:
    ann, bob, other = await login(shop, "ann"), await login(shop, "bob"), buyer(shop)
    stock(shop, "book-1")
    office = await api_key(shop, name="office")
    token = (await ann.checkout("book-1"))["orderToken"]
    session, expected = ann.headers["Authorization"], []

    async def refused(reason: str, headers: dict[str, str], path: str = "/v1/wallet") -> None:
        expected.append(reason)
        assert (await shop.http.get(path, headers=headers)).status_code in (401, 403), reason

    with capture_logs() as events:
        await refused("no session token was sent", {})
        await refused("what was sent is longer than any session token", ann.headers | {"Authorization": session * 9})
        await refused("the session is of ann", {"Authorization": session, "X-Cust-Id": "bob"})
        await shop.http.delete("/v1/sessions/current", headers=bob.headers)
        await refused("the session was ended", bob.headers)
        for reason, key in {
            "nothing was sent": {},
            "what was sent is no API key": ann.headers,
            "no API key of this id is in use": {"Authorization": f"Bearer ld_{'0' * 16}_{'a' * 43}"},
            "the API key's secret is wrong": {"Authorization": f"{office['Authorization'][:-43]}{'a' * 43}"},
        }.items():
            await refused(reason, key, "/v1/admin/orders?custId=ann")
        for reason, sender, change in (
            ("the order token is of another session", other, {}),
            ("signed with MD5, the session's type is HMAC-SHA256", ann, {"signType": "MD5"}),
            ("1000 seconds off", ann, {"timestamp": int(time.time()) + 1000}),
        ):
            expected.append(reason)
            assert (await sender.send(sender.payment(token, ["book-1"], **change))).status_code == 403
        expected.append("neither a password nor a platform's token was sent")
        assert (await shop.http.post("/v1/sessions", json={"signType": "MD5"})).status_code == 401
        expected.append("a platform's token was sent, but LINGDANG_OIDC_ISSUER is not set")
        answer = await shop.http.post(
            "/v1/sessions", json={"signType": "MD5"}, headers={"Authorization": "Bearer a.b.c"}
        )
        assert answer.status_code == 401
    told = [re.sub(r"^9\d\d seconds", "1000 seconds", e["reason"]) for e in _of(events, "access_refused")]
    assert told == expected


@pytest.mark.parametrize("sent", [LINES_A_SECOND, LINES_A_SECOND + 980], ids=["few", "a flood"])
def test_a_flood_is_counted_instead_of_written(sent: int) -> None:
    now = 100.0
    refusals = Refusals(lambda: now)
    with capture_logs() as events:
        for _ in range(sent):
            refusals.note(Problem("unauthenticated"), "/v1/cart", "r", {})
        refusals.note(Problem("insufficient_bells"), "/v1/payments", "r", {})
        now = 101.0
        refusals.note(Problem("unauthenticated"), "/v1/cart", "r", {b"x-cust-id": b"x" * 1000})
    assert len(_of(events, "access_refused")) == LINES_A_SECOND + 1
    assert [e["count"] for e in _of(events, "access_refused_untold")] == ([980] if sent > LINES_A_SECOND else [])
    assert _of(events, "access_refused")[-1]["customer"] == "x" * 128
