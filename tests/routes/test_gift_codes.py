"""Gift codes over HTTP: once, by one customer, and not by guessing."""

import asyncio
from typing import Any

import httpx
import pytest

from lingdang.coupons.spelling import written
from lingdang.topup import parts
from lingdang.topup.gift_codes import new_codes
from lingdang.topup.redeeming import AT_ONCE
from support.buyer import Buyer, books, buyer, buyers, give
from support.people import api_key
from support.shop import Shop
from support.tabs import until


@pytest.fixture(autouse=True)
def _healed_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "SELDOM", 0.1)


async def made(shop: Shop, count: int = 1, **changed: Any) -> list[str]:
    body = {"campaign": "spring", "count": count, "amount": 100} | changed
    key = await api_key(shop, "topups:write", name=f"gifts {len(changed)}")
    answer = await shop.http.post("/v1/admin/gift-codes", json=body, headers=key)
    assert answer.status_code == 201, answer.text
    codes: list[str] = answer.json()["codes"]
    return codes


async def redeem(who: Buyer, code: str) -> httpx.Response:
    return await who.shop.http.post("/v1/wallet/redeem", json={"code": code}, headers=who.headers)


def reason(answer: httpx.Response) -> str:
    assert (answer.status_code, answer.json()["code"]) == (409, "gift_code_unusable")
    [found] = answer.json()["reasons"].values()
    code: str = found["code"]
    return code


async def test_codes_that_would_be_over_are_not_made(shop: Shop) -> None:
    key = await api_key(shop, "topups:write")
    body = {"campaign": "spring", "count": 1, "amount": 100, "expiresAt": "2020-01-31T00:00:00Z"}
    answer = await shop.http.post("/v1/admin/gift-codes", json=body, headers=key | {"Idempotency-Key": "late"})
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (400, "$.expiresAt"), answer.text
    assert shop.sql("SELECT 1 FROM gift_code") == []


async def test_a_code_is_one_customers_once(shop: Shop) -> None:
    ann, bob = buyers(shop, "ann", "bob")
    [code] = await made(shop)
    answers = await asyncio.gather(*(redeem(who, code) for who in (ann, bob) * 5))
    assert sorted({answer.status_code for answer in answers}) == [200, 409]
    assert shop.sql("SELECT kind, amount, balance FROM transfer") == [("gift", 100, 100)]
    winner = ann if answers[0].status_code == 200 else bob
    again = await redeem(winner, code.lower())
    assert (again.status_code, again.headers["idempotent-replayed"], again.json()["balance"]) == (200, "true", 100)
    assert reason(await redeem(bob if winner is ann else ann, code)) == "code_used"


async def test_what_is_no_code_gives_nothing_and_guesses_are_limited(shop: Shop) -> None:
    ann = buyer(shop)
    [code] = await made(shop)
    before = books(shop)
    assert reason(await redeem(ann, code[:-1] + ("0" if code[-1] != "0" else "1"))) == "mistyped"
    for guess in new_codes(10):
        assert reason(await redeem(ann, written(guess))) == "unknown_code"
    assert (await redeem(ann, code)).status_code == 429
    assert books(shop) == before


async def test_an_old_code_is_not_good_any_more(shop: Shop) -> None:
    ann = buyer(shop)
    [code] = await made(shop, expiresAt="2999-01-01T00:00:00Z")
    shop.sql("UPDATE gift_code SET expires_at = now() - interval '1 second'")
    assert reason(await redeem(ann, code)) == "expired"
    assert shop.sql("SELECT customer FROM gift_code") == [(None,)]


_CLAIMED = """
UPDATE gift_code SET claimed_at = now() - %s * interval '1 minute',
       customer = (SELECT customer FROM customer WHERE customer_id = %s)
 WHERE campaign = %s
"""


async def test_codes_of_a_wallet_that_is_full_hold_up_no_newer_one(shop: Shop) -> None:
    buyers(shop, "ann", "bob")
    await give(shop, "ann", 10**15)
    await made(shop, AT_ONCE, campaign="old")
    await made(shop, campaign="new", amount=7)
    shop.sql(_CLAIMED, (9, "ann", "old"))
    shop.sql(_CLAIMED, (2, "bob", "new"))
    await until(lambda: shop.sql("SELECT amount FROM transfer WHERE kind = 'gift'") == [(7,)])
    tries = "SELECT count(*) FROM gift_code WHERE tries = %s AND due_at > now() AND redeemed_at IS NULL"
    await until(lambda: shop.sql(tries, (1,)) == [(AT_ONCE,)])
    shop.sql("UPDATE gift_code SET due_at = now() WHERE redeemed_at IS NULL")
    await until(lambda: shop.sql(tries, (2,)) == [(AT_ONCE,)])
    [(longer,)] = shop.sql("SELECT min(due_at) > now() + interval '1 minute' FROM gift_code WHERE redeemed_at IS NULL")
    assert longer


async def test_one_that_was_claimed_and_not_credited_is_healed(shop: Shop) -> None:
    buyer(shop)
    await made(shop)
    shop.sql(
        "UPDATE gift_code SET claimed_at = now() - interval '2 minutes', customer = (SELECT customer FROM customer)"
    )
    await until(lambda: shop.sql("SELECT kind, amount FROM transfer") == [("gift", 100)])
    await until(lambda: shop.sql("SELECT redeemed_at IS NOT NULL FROM gift_code") == [(True,)])
