"""Guessing passwords, keys and codes, and handing somebody a session of one's own."""

import json
from typing import Any

import pytest

from lingdang.settings import load_settings
from support.buyer import buyer, give
from support.people import PASSWORD, api_key, login, open_session, register
from support.shop import Shop
from support.vouchers import put_coupon

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


async def test_guesses_end_before_the_right_one_and_tell_nothing(shop: Shop) -> None:
    """Behind the limit the right password is refused like a wrong one: a guesser does not learn it there."""
    await register(shop, "ann")
    limit = load_settings({}).login_limit_customer
    wrong = [await open_session(shop, password=f"guess number {n}") for n in range(limit)]
    assert {(a.status_code, a.json()["code"]) for a in wrong} == {(401, "unauthenticated")}
    for password in (PASSWORD, "one more guess"):
        answer = await open_session(shop, password=password)
        assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
        assert int(answer.headers["retry-after"]) >= 1
        assert "sessionToken" not in answer.text


async def test_whether_a_customer_exists_is_not_told(shop: Shop) -> None:
    await register(shop, "ann")
    answers = [await open_session(shop, custId=who, password="wrong one") for who in ("ann", "nobody")]
    told = [{k: v for k, v in a.json().items() if k != "requestId"} for a in answers]
    assert told[0] == told[1]
    assert [a.status_code for a in answers] == [401, 401]
    assert shop.sql("SELECT customer_id FROM customer") == [("ann",)], "who only asks is not added"


async def test_a_key_of_another_scope_is_not_told_whether_a_customer_exists(shop: Shop) -> None:
    await register(shop, "ann")
    put_coupon(shop, "ten")
    credit = {"creditId": "c", "amount": 1, "kind": "paid", "reason": "R"}
    requests: list[tuple[str, str, dict[str, Any] | None]] = [
        ("GET", "/v1/admin/orders?custId={}", None),
        ("POST", "/v1/admin/wallets/{}/credits", credit),
        ("POST", "/v1/admin/wallets/{}/credits", credit | {"createCustomer": True}),
        ("POST", "/v1/admin/coupons/ten/grants", {"custIds": ["{}"]}),
    ]
    for headers, status in ((await api_key(shop, "catalog:write"), 403), ({}, 401)):
        for method, path, body in requests:
            told = []
            for who in ("ann", "nobody"):
                named = json.loads(json.dumps(body).replace("{}", who))
                answer = await shop.http.request(method, path.format(who), json=named, headers=headers)
                assert answer.status_code == status
                told.append({name: text for name, text in answer.json().items() if name != "requestId"})
            assert told[0] == told[1]
    assert shop.sql("SELECT customer_id FROM customer") == [("ann",)]


async def test_a_session_that_a_client_brings_is_not_taken_over(shop: Shop) -> None:
    """Session fixation: what stands in the request of a sign-in never becomes the session."""
    ann = await login(shop, "ann")
    wanted = {"custId": "ann", "password": PASSWORD, "signType": "HMAC-SHA256"}
    for headers in ({"Cookie": "session=fixed"}, {"X-Session-Id": "fixed"}):
        answer = await shop.http.post("/v1/sessions", json=wanted, headers=headers)
        assert answer.status_code == 201, answer.text
        assert answer.json()["sessionToken"] != ann.headers["Authorization"].split()[1]
        assert "fixed" not in answer.text
    answer = await shop.http.post("/v1/sessions", json=wanted, headers=buyer(shop, "mallory").headers)
    assert answer.status_code == 400, "one of the two says who it is, never both"
    for unwanted in ("sessionId", "sessionToken", "signKey"):
        answer = await open_session(shop, **{unwanted: "fixed"})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


async def test_keys_near_a_good_one_open_nothing(shop: Shop) -> None:
    await register(shop, "ann")
    good = (await api_key(shop, "orders:read"))["Authorization"]
    place = len(good) - 1
    near = [good[:place] + c for c in "abcXYZ019-" if c != good[place]] + [good[:-1], good + "a", good.swapcase()]
    for guess in [*near, good.replace("_", "-"), "Bearer ld_", "Bearer " + good]:
        answer = await shop.http.get("/v1/admin/orders?custId=ann", headers={"Authorization": guess})
        assert answer.status_code == 401, guess
    answer = await shop.http.get("/v1/admin/orders?custId=ann", headers={"Authorization": good})
    assert answer.status_code == 200


@pytest.mark.parametrize("guess", ["A" * 16, "ABCDEFGHIJKLMNOP", "7" * 16, ALPHABET])
async def test_one_time_codes_are_not_found_by_guessing(shop: Shop, guess: str) -> None:
    """80 random bits each: a billion guesses a second find one of a million codes in ten years once in 4,000 tries."""
    await give(shop, "ann", 1)
    answer = await shop.http.post("/v1/vouchers/claim", json={"code": guess}, headers=buyer(shop).headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "voucher_unusable")
    assert next(iter(answer.json()["reasons"].values()))["code"] == "unknown_code"
