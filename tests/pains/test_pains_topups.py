"""Pains 22, 24 and 25 where bells are bought for money: debts, checks of a notification, repeats."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from lingdang.keys import Keyring
from lingdang.topup.providers.sandbox import Sandbox, Sending
from support.buyer import Buyer, buyer, stock
from support.people import api_key
from support.shop import Shop, open_shop
from support.topups import becomes, begin, bells, carried_out, look, play, sell
from support.vouchers import differences


@pytest.fixture
async def shops(database_url: str, keyring: Keyring) -> AsyncIterator[tuple[Shop, Shop]]:
    """Two workers with the sandbox, reconciled when the test is over."""
    async with (
        open_shop(database_url, keyring, sandbox=True) as one,
        open_shop(database_url, keyring, sandbox=True) as two,
    ):
        await sell(one, await api_key(one))
        yield one, two
        assert differences(one) == []


def notified(shop: Shop, topup: dict[str, str], outcome: str) -> list[Sending]:
    return Sandbox("sandbox", shop.database_url, shop.keyring, "").play(topup["topupId"], outcome) or []


async def wallet_of(ann: Buyer) -> tuple[int, int]:
    [found] = (await ann.get("/v1/wallet")).json()["balances"]
    return found["balance"], found["debt"]


async def test_pain_22_bells_that_were_spent_before_their_money_went_back_are_owed(shops: tuple[Shop, Shop]) -> None:
    """flutter/flutter #75154"""
    shop = shops[0]
    ann = buyer(shop)
    for name in ("book-1", "book-2"):
        stock(shop, name, price=500)
    topup = await begin(ann)
    await play(ann, topup, "pay")
    await becomes(ann, topup, "paid")
    assert (await ann.buy("book-1")).status_code == 200
    await play(ann, topup, "refund:600")
    await becomes(ann, topup, "refunded")
    assert await wallet_of(ann) == (0, 500), "and not clamped at 0"
    refused = await ann.buy("book-2")
    assert (refused.status_code, refused.json()["code"], refused.json()["debt"]) == (402, "wallet_in_debt", 500)
    again = await begin(ann)
    await play(ann, again, "pay")
    await becomes(ann, again, "paid")
    assert await wallet_of(ann) == (160, 0), "what comes in pays the debt first"


@pytest.mark.parametrize("outcome", ["wrong_amount", "wrong_currency"])
async def test_pain_24_money_that_is_not_what_was_agreed_credits_nothing(
    shops: tuple[Shop, Shop], outcome: str
) -> None:
    """yansongda/pay #123"""
    ann = buyer(shops[0])
    topup = await begin(ann)
    await play(ann, topup, outcome)
    await becomes(ann, topup, "review")
    assert bells(shops[0]) == []


async def test_pain_24_a_notification_without_its_signature_is_refused_and_kept(shops: tuple[Shop, Shop]) -> None:
    """binarywang/WxJava #1890"""
    shop = shops[0]
    ann = buyer(shop)
    topup = await begin(ann)
    [sending] = notified(shop, topup, "pay")
    signed = next(name for name in sending.headers if "signature" in name.lower())
    for headers in (
        {name: value for name, value in sending.headers.items() if name != signed},
        sending.headers | {signed: ""},
        sending.headers | {signed: "A" * len(sending.headers[signed])},
    ):
        answer = await shop.http.post("/v1/topups/notify/sandbox", content=sending.body, headers=headers)
        assert answer.status_code == 400
    altered = sending.body.replace(b"600", b"601")
    assert altered != sending.body
    answer = await shop.http.post("/v1/topups/notify/sandbox", content=altered, headers=sending.headers)
    assert answer.status_code == 400
    await carried_out(shop)
    assert (await look(ann, topup))["status"] == "pending"
    assert bells(shop) == []
    verdicts = shop.sql("SELECT DISTINCT split_part(verdict, ':', 1) FROM topup_notification")
    assert verdicts == [("forged",)]


async def test_pain_25_one_notification_delivered_many_times_through_two_workers_is_one_credit(
    shops: tuple[Shop, Shop],
) -> None:
    """yansongda/pay #685, binarywang/WxJava #3355"""
    ann = buyer(shops[0])
    topup = await begin(ann)
    [sending] = notified(shops[0], topup, "pay")
    clients = [shop.http for shop in shops] * 10
    answers = await asyncio.gather(
        *(each.post("/v1/topups/notify/sandbox", content=sending.body, headers=sending.headers) for each in clients)
    )
    assert {answer.status_code for answer in answers} == {200}
    await becomes(ann, topup, "paid")
    await carried_out(shops[0])
    assert bells(shops[0]) == [("topup", 660, 660)]
