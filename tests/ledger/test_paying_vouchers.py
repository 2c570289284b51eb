"""Vouchers in the settlement: each is used up once, in the transaction that pays its order."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from lingdang.errors import Problem
from lingdang.ledger.done import Done
from lingdang.ledger.lines import UsedVoucher
from lingdang.ledger.paying import Pay
from support.buyer import give, stock
from support.money import line, open_settlement, pay
from support.shop import Shop
from support.vouchers import all_books, differences, hold, put_coupon


def with_voucher(product_id: str, *voucher_ids: str, cust_id: str = "ann", price: int = 100) -> Pay:
    order = pay(cust_id, line(product_id, price, min(price, 10 * len(voucher_ids))))
    saves = order.discount // len(voucher_ids)
    return Pay(
        **{name: getattr(order, name) for name in order.__struct_fields__ if name != "vouchers"},
        vouchers=tuple(UsedVoucher(voucher_id, saves) for voucher_id in voucher_ids),
    )


@pytest.mark.parametrize("cust_id", ["ann", "nobody"])
async def test_50_parallel_payments_of_one_voucher(shop: Shop, cust_id: str) -> None:
    """Through two settlements, in batches of several sizes; `nobody` has no wallet, and so no lock on one."""
    ids = [f"book-{n}" for n in range(50)]
    stock(shop, *ids, price=100)
    await give(shop, "ann", 10_000)
    put_coupon(shop, "ten")
    voucher = hold(shop, cust_id, "ten")
    price = 100 if cust_id == "ann" else 0
    commands = [with_voucher(i, voucher, cust_id=cust_id, price=price) for i in ids]
    async with (
        open_settlement(shop.database_url, batch_limit=8) as one,
        open_settlement(shop.database_url, batch_limit=3) as two,
    ):
        answers = await asyncio.gather(
            *((one, two)[n % 2].submit(command) for n, command in enumerate(commands)), return_exceptions=True
        )
    paid = [answer for answer in answers if isinstance(answer, Done)]
    refused = [answer for answer in answers if isinstance(answer, Problem)]
    assert (len(paid), len(refused)) == (1, 49)
    assert {problem.code for problem in refused} == {"voucher_unusable"}
    assert refused[0].members == {"voucherIds": [voucher], "reasons": {voucher: "used"}}
    order_id = paid[0].record.order_id  # type: ignore[union-attr]
    assert shop.sql("SELECT used_by, saved FROM voucher") == [(order_id, 10 if price else 0)]
    assert shop.sql("SELECT count(*) FROM orders") == shop.sql("SELECT count(*) FROM entitlement") == [(1,)]
    assert differences(shop) == []


SINCE = {
    "withdrawn": "UPDATE coupon SET status = 'withdrawn'",
    "expired": "UPDATE voucher SET expires_at = now() - interval '1 second'",
    "not_held": "DELETE FROM voucher",
    "used": "UPDATE voucher SET used_by = gen_random_uuid(), used_at = now(), saved = 1",
}


@pytest.mark.parametrize("reason", SINCE)
async def test_unusable_since_the_offer(shop: Shop, reason: str) -> None:
    stock(shop, "book-1")
    await give(shop, "ann", 500)
    put_coupon(shop, "ten", each=2)
    voucher = hold(shop, "ann", "ten")
    shop.sql(SINCE[reason])
    good = hold(shop, "ann", "ten")
    shop.sql("UPDATE coupon SET status = 'paused' WHERE status = 'active'")  # what was offered before is still good
    before = all_books(shop)
    async with open_settlement(shop.database_url) as settlement:
        with pytest.raises(Problem) as refused:
            await settlement.submit(with_voucher("book-1", voucher, *([] if reason == "withdrawn" else [good])))
        assert refused.value.code == "voucher_unusable"
        assert refused.value.members == {"voucherIds": [voucher], "reasons": {voucher: reason}}
        assert all_books(shop) == before
        if reason != "withdrawn":
            assert await settlement.submit(with_voucher("book-1", good))


async def test_the_voucher_of_another_customer(shop: Shop) -> None:
    stock(shop, "book-1")
    await give(shop, "ann", 500)
    put_coupon(shop, "ten")
    voucher = hold(shop, "bob", "ten")
    before = all_books(shop)
    async with open_settlement(shop.database_url) as settlement:
        with pytest.raises(Problem) as refused:
            await settlement.submit(with_voucher("book-1", voucher))
    assert refused.value.members["reasons"] == {voucher: "not_held"}
    assert all_books(shop) == before


async def test_a_refused_order_leaves_its_voucher(shop: Shop) -> None:
    stock(shop, "book-1")
    await give(shop, "ann", 5)
    put_coupon(shop, "ten")
    voucher = hold(shop, "ann", "ten")
    before = all_books(shop)
    async with open_settlement(shop.database_url) as settlement:
        with pytest.raises(Problem) as refused:
            await settlement.submit(order := with_voucher("book-1", voucher))
        assert refused.value.code == "insufficient_bells"
        assert all_books(shop) == before
        await give(shop, "ann", 100)
        first = await settlement.submit(order)
        again = await settlement.submit(order)
    assert (first.replayed, again.replayed, again.record) == (False, True, first.record)
    assert differences(shop) == []


async def test_a_voucher_that_expires_while_the_payment_waits_is_not_used(shop: Shop) -> None:
    """The clock is read before the wallet is locked, and again under the lock: by then the voucher has expired."""
    stock(shop, "book-1", price=100)
    await give(shop, "ann", 1000)
    put_coupon(shop, "ten")
    voucher = hold(shop, "ann", "ten")
    [(expires_at,)] = shop.sql("SELECT expires_at FROM voucher")
    moments = iter([expires_at - timedelta(milliseconds=1)])
    command = msgspec.structs.replace(with_voucher("book-1", voucher), expires_at=expires_at + timedelta(hours=1))
    before = all_books(shop)
    async with open_settlement(shop.database_url, clock=lambda: next(moments, expires_at)) as settlement:
        with pytest.raises(Problem) as refused:
            await settlement.submit(command)
    assert refused.value.members == {"voucherIds": [voucher], "reasons": {voucher: "expired"}}
    assert all_books(shop) == before
