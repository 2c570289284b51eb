"""Customers' own refunds: offered or not, of what was not opened."""

import asyncio

import pytest

from lingdang.keys import Keyring
from support.buyer import Buyer, buyer, give, stock
from support.hands import Hands
from support.refunds import ann_among_books, bought, desk_of, own, owned, refund
from support.shop import Shop, open_shop
from support.vouchers import differences


@pytest.fixture
async def ann(shop: Shop) -> Buyer:
    return await ann_among_books(shop)


async def test_customers_have_none_unless_the_shop_says_so(shop: Shop, ann: Buyer) -> None:
    order_id = await bought(ann, "a")
    told = (await ann.get(f"/v1/orders/{order_id}/refundable")).json()
    assert (told["refundable"], told["reasons"]) == (False, {"order": "not_offered"})
    answer = await own(ann, order_id)
    assert (answer.status_code, answer.json()["code"]) == (409, "refund_not_allowed")
    assert await owned(ann) == {"a"}


async def test_a_booked_refund_is_answered_as_it_was_when_the_shop_offers_none_any_more(
    database_url: str, keyring: Keyring
) -> None:
    async with open_shop(database_url, keyring, refund_days=14) as shop:
        stock(shop, "a", "b")
        await give(shop, "ann", 1000)
        ann = buyer(shop)
        order_id = await bought(ann, "a", "b")
        first = await own(ann, order_id, productIds=["a"])
        assert first.status_code == 200
    async with open_shop(database_url, keyring) as shop:
        ann = buyer(shop)
        again = await own(ann, order_id, productIds=["a"])
        assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
        rest = await own(ann, order_id, "m-2")
        assert (rest.status_code, rest.json()["reasons"]) == (409, {"order": "not_offered"})


async def test_a_customer_gives_back_what_was_not_opened(database_url: str, keyring: Keyring) -> None:
    hands = Hands()
    async with open_shop(database_url, keyring, clock=hands, refund_days=7, session_seconds=30 * 86400) as shop:
        stock(shop, "a", "b")
        await give(shop, "ann", 1000)
        ann = buyer(shop)
        order_id = await bought(ann, "a", "b")
        assert (await ann.get("/v1/access", productId="a")).status_code == 204
        told = (await ann.get(f"/v1/orders/{order_id}/refundable")).json()
        assert told["reasons"] == {"a": "opened"}
        refused = await own(ann, order_id)
        assert refused.json()["reasons"] == {"a": "opened"}
        done = await own(ann, order_id, productIds=["b"])
        assert (done.status_code, done.json()["refunded"]) == (200, 100)
        assert await owned(ann) == {"a"}
        desk = await desk_of(shop)
        # An operator's ids are a name space of their own.
        assert (await refund(shop, desk, order_id, "m-1")).json()["refunded"] == 100
        third = await bought(ann, "a")
        hands.forward(8 * 86400)
        assert (await own(ann, third, "m-2")).json()["reasons"] == {"order": "too_late"}
        assert differences(shop) == []


async def test_opening_and_refunding_exclude_each_other(database_url: str, keyring: Keyring) -> None:
    async with open_shop(database_url, keyring, refund_days=7) as shop:
        names = [f"book-{number}" for number in range(20)]
        stock(shop, *names)
        await give(shop, "ann", 10_000)
        ann = buyer(shop)
        for name in names:
            order_id = await bought(ann, name)
            opened, refunded = await asyncio.gather(ann.get("/v1/access", productId=name), own(ann, order_id, name))
            assert (opened.status_code, refunded.status_code) in {(204, 409), (403, 200)}
        assert differences(shop) == []
