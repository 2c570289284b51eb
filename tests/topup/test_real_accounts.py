"""Accounts of real kinds, from their settings to the bells: their providers' stand-ins pay, give back and notify."""

from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from lingdang.keys import Keyring
from proof.standin.desk import Message
from proof.standin.faults import Faults
from proof.standin.standin import Standin
from support.buyer import Buyer, buyer
from support.people import api_key
from support.shop import Shop, open_shop
from support.topups import becomes, begin, bells, carried_out, look, sell, try_to_begin

KINDS = ("stripe", "wechat", "alipay")


@pytest.fixture
def standin() -> Iterator[Standin]:
    with Standin(Faults(), {}).serving() as served:
        yield served


@pytest.fixture
async def shop(database_url: str, keyring: Keyring, standin: Standin) -> AsyncIterator[Shop]:
    accounts = {name: account for name, account in standin.accounts().items() if name in KINDS}
    async with open_shop(
        database_url, keyring, topup_providers=accounts, public_url="https://shop.example", cash_refunds="days:30"
    ) as opened:
        yield opened


@pytest.fixture
async def operator(shop: Shop) -> dict[str, str]:
    key = await api_key(shop)
    await sell(shop, key)
    return key


@pytest.fixture
def ann(shop: Shop, operator: dict[str, str]) -> Buyer:
    """A tester: what the stand-in takes in Stripe's test mode is play money, and credited to testers alone."""
    tester = buyer(shop)
    shop.sql("UPDATE customer SET groups = '{store-testers}'")
    return tester


async def notify(shop: Shop, kind: str, message: Message) -> httpx.Response:
    headers = dict(message.headers)
    return await shop.http.post(f"/v1/topups/notify/{kind}", content=message.body, headers=headers)


async def told(shop: Shop, kind: str, message: Message) -> None:
    """The provider notifies twice, as they do, and both are accepted."""
    for _ in range(2):
        answer = await notify(shop, kind, message)
        assert answer.status_code < 300, answer.text
        assert message.accepted is None or answer.content == message.accepted
    await carried_out(shop)


async def start(ann: Buyer, standin: Standin, kind: str) -> dict[str, Any]:
    """A top-up whose payer has reached the provider's page; no address to come back to was given."""
    topup = await begin(ann, provider=kind)
    if kind == "alipay":
        standin.alipay.open(topup["action"]["url"])
    return topup


def number_of(topup: dict[str, Any]) -> str:
    return UUID(topup["topupId"]).hex


@pytest.mark.parametrize("kind", ["wechat"])
async def test_money_comes_and_goes_and_its_bells_with_it(
    shop: Shop, standin: Standin, operator: dict[str, str], ann: Buyer, kind: str
) -> None:
    topup = await start(ann, standin, kind)
    desk = standin.desks[kind]
    assert (topup["status"], bells(shop)) == ("pending", [])
    paid = desk.pay(number_of(topup))
    await told(shop, kind, paid)
    assert (await becomes(ann, topup, "paid"))["received"] == {"amount": 600, "currency": "CNY"}
    assert bells(shop) == [("topup", 660, 660)]

    place = f"/v1/admin/topups/{topup['topupId']}/refunds"
    for _ in range(2):
        half = await shop.http.post(place, json={"refundId": "half", "amount": 300}, headers=operator)
        assert half.status_code < 300, half.text
    await becomes(ann, topup, "partly_refunded")
    await carried_out(shop)
    assert bells(shop) == [("topup", 660, 660), ("takeback", -330, 330)]

    await told(shop, kind, desk.give_back(number_of(topup), 300))
    await becomes(ann, topup, "refunded")
    await told(shop, kind, paid)
    assert (await look(ann, topup))["status"] == "refunded"
    assert bells(shop) == [("topup", 660, 660), ("takeback", -330, 330), ("takeback", -330, 0)]


@pytest.mark.parametrize("kind", KINDS)
async def test_less_money_than_agreed_credits_nothing(shop: Shop, standin: Standin, ann: Buyer, kind: str) -> None:
    topup = await start(ann, standin, kind)
    await told(shop, kind, standin.desks[kind].pay(number_of(topup), "amount"))
    await becomes(ann, topup, "review")
    assert bells(shop) == []


async def test_what_a_provider_refuses_for_good_has_failed_and_is_not_asked_for(
    shop: Shop, operator: dict[str, str], ann: Buyer
) -> None:
    await sell(shop, operator, "odd", price={"amount": 1001, "currency": "KWD"})
    refused = await try_to_begin(ann, packageId="odd", provider="stripe")
    assert (refused.status_code, refused.json()["code"], refused.json()["reason"]) == (
        409,
        "topup_unavailable",
        "refused",
    )
    assert shop.sql("SELECT status, next_ask_at FROM topup") == [("failed", None)]
    assert shop.sql("SELECT type FROM notice") == [("topup.failed",)]


async def test_one_that_does_not_answer_is_asked_later_whether_it_began(
    shop: Shop, standin: Standin, ann: Buyer
) -> None:
    standin.chance.faults = Faults(vanished=1.0)
    away = await try_to_begin(ann, provider="wechat")
    assert (away.status_code, away.json()["code"], away.headers["retry-after"]) == (503, "provider_unavailable", "5")
    assert shop.sql("SELECT status, next_ask_at > now() FROM topup") == [("pending", True)]
