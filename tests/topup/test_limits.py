"""Caps and open top-ups refuse a beginning, and nothing later."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from lingdang.clock import system_clock
from lingdang.keys import Keyring
from lingdang.topup.limits import MOST_OPEN, cap_of
from support.buyer import Buyer, buyer
from support.people import api_key
from support.shop import Shop, open_shop
from support.topups import becomes, begin, bells, play, sell, try_to_begin

CAPS = {"CNY": 1500, "minors/CNY": 700}


@pytest.mark.parametrize(
    ("currency", "groups", "cap"),
    [("CNY", [], 1500), ("CNY", ["minors", "vip"], 700), ("CNY", ["vip"], 1500), ("USD", ["minors"], None)],
)
def test_the_lowest_cap_that_applies_holds(currency: str, groups: list[str], cap: int | None) -> None:
    assert cap_of(CAPS, currency, groups) == cap


class Clock:
    """The shop's clock, which can be put on."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return system_clock() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def shop(database_url: str, keyring: Keyring, clock: Clock) -> AsyncIterator[Shop]:
    async with open_shop(database_url, keyring, clock=clock, sandbox=True, topup_limits=CAPS) as opened:
        await sell(opened, await api_key(opened))
        yield opened


@pytest.fixture
def ann(shop: Shop) -> Buyer:
    return buyer(shop)


async def test_what_was_begun_today_counts_and_what_is_paid_is_credited_all_the_same(shop: Shop, ann: Buyer) -> None:
    first, second = await begin(ann), await begin(ann)
    refused = await try_to_begin(ann)
    assert (refused.status_code, refused.json()["code"]) == (409, "topup_limit")
    assert (refused.json()["limit"], refused.json()["left"]) == (1500, 300)
    for each in (first, second):
        await play(ann, each, "pay")
        await becomes(ann, each, "paid")
    assert [amount for _, amount, _ in bells(shop)] == [660, 660]


async def test_a_group_has_its_own_cap(shop: Shop, ann: Buyer) -> None:
    shop.sql("UPDATE customer SET groups = '{minors}'")
    await begin(ann)
    assert (await try_to_begin(ann)).json()["limit"] == 700


async def test_a_day_begins_anew(shop: Shop, ann: Buyer, clock: Clock) -> None:
    await begin(ann)
    await begin(ann)
    shop.sql("UPDATE topup SET created_at = created_at - interval '1 day'")
    await begin(ann)


async def test_one_that_nobody_paid_and_that_ended_counts_no_more(shop: Shop, ann: Buyer) -> None:
    await begin(ann)
    await play(ann, ended := await begin(ann), "fail")
    await becomes(ann, ended, "failed")
    await begin(ann)


async def test_nobody_has_many_open_ones(database_url: str, keyring: Keyring) -> None:
    async with open_shop(database_url, keyring, sandbox=True) as shop:
        await sell(shop, await api_key(shop))
        ann = buyer(shop)
        for _ in range(MOST_OPEN):
            await begin(ann)
        refused = await try_to_begin(ann)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
