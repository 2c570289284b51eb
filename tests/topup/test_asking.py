"""Nothing silent stays open: providers are asked, what expires is closed there, and late money is credited."""

from collections.abc import AsyncIterator

import pytest

from lingdang.keys import Keyring
from support.buyer import Buyer, buyer
from support.hands import Hands
from support.people import api_key
from support.shop import Shop, open_shop
from support.tabs import until
from support.topups import becomes, begin, bells, look, play, sell


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
async def shop(database_url: str, keyring: Keyring, hands: Hands) -> AsyncIterator[Shop]:
    async with open_shop(database_url, keyring, sandbox=True, clock=hands) as opened:
        await sell(opened, await api_key(opened))
        yield opened


@pytest.fixture
async def ann(shop: Shop) -> Buyer:
    return buyer(shop)


async def test_a_payment_that_nobody_told_of_is_asked_for(shop: Shop, ann: Buyer, hands: Hands) -> None:
    topup = await begin(ann)
    await play(ann, topup, "never")
    assert (await look(ann, topup))["status"] == "pending"
    hands.forward(31)
    await becomes(ann, topup, "paid")
    assert bells(shop) == [("topup", 660, 660)]
    assert shop.sql("SELECT next_ask_at FROM topup") == [(None,)]


async def test_what_stays_open_is_asked_for_less_and_less_often(shop: Shop, ann: Buyer, hands: Hands) -> None:
    await begin(ann)
    for asks, seconds in enumerate((31, 61, 181), 1):
        hands.forward(seconds)
        await until(lambda asks=asks: shop.sql("SELECT asks FROM topup") == [(asks,)])  # type: ignore[misc]
    [(pause,)] = shop.sql("SELECT next_ask_at - created_at > interval '10 minutes' FROM topup")
    assert pause


async def test_one_that_expires_is_closed_at_the_provider_first(shop: Shop, ann: Buyer, hands: Hands) -> None:
    topup = await begin(ann)
    hands.forward(3601)
    await becomes(ann, topup, "expired")
    assert shop.sql("SELECT state FROM sandbox_payment") == [("closed",)]
    assert shop.sql("SELECT type FROM notice") == [("topup.expired",)]
    assert (await play(ann, topup, "pay")).status_code == 409


async def test_a_close_that_says_paid_is_credited(shop: Shop, ann: Buyer, hands: Hands) -> None:
    topup = await begin(ann)
    shop.sql("UPDATE topup SET next_ask_at = expires_at")
    await play(ann, topup, "never")
    hands.forward(3601)
    await becomes(ann, topup, "paid")
    assert bells(shop) == [("topup", 660, 660)]


async def test_what_the_provider_does_not_know_of_expires(shop: Shop, ann: Buyer, hands: Hands) -> None:
    topup = await begin(ann)
    shop.sql("DELETE FROM sandbox_payment")
    hands.forward(31)
    await until(lambda: shop.sql("SELECT asks FROM topup") == [(1,)])
    assert (await look(ann, topup))["status"] == "pending"
    hands.forward(3601)
    await becomes(ann, topup, "expired")
