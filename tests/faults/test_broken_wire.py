"""The connection breaks at the commit: the batch is run again, and what was committed is found, not done twice."""

import asyncio
from dataclasses import replace

import pytest

from lingdang.errors import Problem
from lingdang.ledger.paying import Order
from support.buyer import buyer, give, stock
from support.money import credit, line, open_settlement, pay
from support.shop import Shop, open_shop
from support.wire import wired


@pytest.mark.parametrize("delivered", [True, False], ids=["after the commit", "before the commit"])
async def test_a_batch_is_run_again(shop: Shop, delivered: bool) -> None:
    stock(shop, "book-1", "book-2")
    async with (
        wired(shop.database_url) as (wire, url),
        open_settlement(url, direct_url=shop.database_url, pgbouncer=True) as settlement,
    ):
        await asyncio.gather(settlement.submit(credit("ann", 500)), settlement.submit(credit("bob", 500)))
        if delivered:
            wire.cut_after_commits = 2
        else:
            wire.cut_before_commits = 2
        answers = await asyncio.gather(
            settlement.submit(pay("ann", line("book-1"))), settlement.submit(pay("bob", line("book-2")))
        )
    assert wire.cuts == 2
    records = [answer.record for answer in answers]
    assert [record.balance for record in records if isinstance(record, Order)] == [400, 400]
    assert shop.sql("SELECT balance, seq FROM wallet") == [(400, 2), (400, 2)]


@pytest.mark.parametrize("delivered", [True, False], ids=["after the commit", "before the commit"])
async def test_what_cannot_be_known_is_said_so_and_a_repeat_tells(shop: Shop, delivered: bool) -> None:
    stock(shop, "book-1")
    await give(shop, "ann", 500)
    async with (
        wired(shop.database_url) as (wire, url),
        open_shop(url, shop.keyring, pgbouncer=True, give_up_seconds=0.5) as far,
    ):
        ann = replace(buyer(shop), shop=far)
        order = await ann.checkout("book-1")
        body = ann.payment(order["orderToken"], ["book-1"])
        if delivered:
            wire.cut_after_commits = 1
        else:
            wire.cut_before_commits = 1
        sent = asyncio.create_task(ann.send(body))
        await wire.was_cut.wait()
        wire.down = True
        answer = await sent
        assert (answer.status_code, answer.json()["code"]) == (503, "outcome_unknown")
        assert int(answer.headers["retry-after"]) >= 1
        assert shop.sql("SELECT count(*) FROM orders") == [(int(delivered),)]
        wire.down = False
        again = await ann.send(body)
        assert (again.status_code, again.json()["balance"]) == (200, 400)
        assert again.headers.get("idempotent-replayed") == ("true" if delivered else None)
    assert shop.sql("SELECT balance, seq FROM wallet") == [(400, 2)]


async def test_a_database_that_was_away_before_anything_was_written_took_nothing(shop: Shop) -> None:
    stock(shop, "book-1")
    await give(shop, "ann", 500)
    async with (
        wired(shop.database_url) as (wire, url),
        open_settlement(url, direct_url=shop.database_url, pgbouncer=True, give_up_seconds=0.3) as settlement,
    ):
        wire.down = True
        with pytest.raises(Problem) as refused:
            await settlement.submit(pay("ann", line("book-1")))
        assert refused.value.code == "overloaded"
        assert shop.sql("SELECT count(*) FROM orders") == [(0,)]
        wire.down = False
        await settlement.submit(pay("ann", line("book-1")))
    assert shop.sql("SELECT balance FROM wallet") == [(400,)]
