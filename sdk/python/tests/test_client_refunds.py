"""A customer's own refunds through the client, and receipts whose right has ended."""

from collections.abc import AsyncIterator
from math import inf

import pytest
from customers import log_in, new_books, new_customer

from lingdang.keys import Keyring
from lingdang.library import receipts
from lingdang_client import (
    AlreadyRefunded,
    AsyncClient,
    IdempotencyMismatch,
    InvalidReceipt,
    RefundNotAllowed,
    verify_receipt,
    verify_revoked,
)
from support.refunds import desk_of, refund
from support.shop import Shop, open_shop


@pytest.fixture
async def generous(shop_database: str, shop_keyring: Keyring) -> AsyncIterator[Shop]:
    """The same shop with refunds."""
    async with open_shop(shop_database, shop_keyring, refund_days=14) as opened:
        yield opened


async def test_what_comes_back_is_shown_then_given(generous: Shop) -> None:
    cust_id, books = await new_customer(generous), new_books(generous, 2)
    async with AsyncClient(generous.url) as client:
        await log_in(client, cust_id)
        offer = await client.checkout(books)
        await client.pay(offer)
        told = await client.refundable(offer.order_id, [books[0]])
        assert (told.refundable, told.amount, told.lapsed, told.reasons) == (True, 100, 0, {})
        done = await client.refund(offer.order_id, "first", product_ids=[books[0]])
        assert (done.refunded, done.lapsed, done.balance) == (100, 0, 900)
        assert await client.refund(offer.order_id, "first", product_ids=[books[0]]) == done
        order = await client.order(offer.order_id)
        assert (order.status, [(each.by, each.refunded, each.lapsed) for each in order.refunds]) == (
            "partly_refunded",
            [("customer", 100, 0)],
        )
        assert [right.product_id async for right in client.entitlements()] == books[1:]


async def test_each_refusal_has_its_class(generous: Shop) -> None:
    cust_id, books = await new_customer(generous), new_books(generous, 2)
    async with AsyncClient(generous.url) as client:
        await log_in(client, cust_id)
        offer = await client.checkout(books)
        await client.pay(offer)
        await client.access(books[0])
        with pytest.raises(RefundNotAllowed) as refused:
            await client.refund(offer.order_id, "all")
        assert refused.value.reasons == {books[0]: "opened"}
        await client.refund(offer.order_id, "one", product_ids=[books[1]])
        with pytest.raises(AlreadyRefunded) as again:
            await client.refund(offer.order_id, "two", product_ids=[books[1]])
        assert again.value.product_ids == [books[1]]
        with pytest.raises(IdempotencyMismatch):
            await client.refund(offer.order_id, "one", product_ids=[books[0]])
        assert [balance.balance for balance in (await client.wallet()).balances] == [900]


async def test_a_receipt_is_refused_once_its_right_is_on_the_list(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipts, "_LONG_SECONDS", inf)  # a slow machine may make the next list later
    cust_id, [book] = await new_customer(shop), new_books(shop, 1)
    async with AsyncClient(shop.url) as client:
        await log_in(client, cust_id)
        offer = await client.checkout([book])
        await client.pay(offer)
        receipt, keys = (await client.entitlement(book)).receipt, await client.jwks()
        before = verify_revoked(await client.revoked(), keys, issuer="lingdang")
        found = verify_receipt(receipt, keys, issuer="lingdang", cust_id=cust_id, revoked=before.rids)
        assert (await refund(shop, await desk_of(shop), offer.order_id)).status_code == 200
        after = verify_revoked(await client.revoked(), keys, issuer="lingdang")
        assert after.rids - before.rids == {found.rid}
        assert after.issued_at >= before.issued_at
        with pytest.raises(InvalidReceipt, match="its right has ended"):
            verify_receipt(receipt, keys, issuer="lingdang", cust_id=cust_id, revoked=after.rids)
        with pytest.raises(InvalidReceipt, match="another issuer"):
            verify_revoked(await client.revoked(), keys, issuer="other")
        with pytest.raises(InvalidReceipt, match="typ"):
            verify_revoked(receipt, keys, issuer="lingdang")
