"""What a checkout reads of a customer: the bells of each currency, and how long their whole journal is."""

from datetime import timedelta

import msgspec

from lingdang.catalog.memory import Memory
from lingdang.checkout.reading import CheckoutReader, Facts, Question
from lingdang.clock import system_clock
from lingdang.db.lane import Lane
from support.buyer import buyer, give, stock
from support.customers import owner_of
from support.money import credit, open_settlement
from support.shop import Shop


async def read(database_url: str, cust_id: str, clock_ahead: timedelta = timedelta(0)) -> Facts:
    lane = Lane(database_url, False)
    reader = CheckoutReader(0, lane, Memory(), lambda: system_clock() + clock_ahead, queue_limit=9, batch_limit=9)
    reader.open()
    facts = await reader.read(Question(owner_of(cust_id), ("book-1", "book-2")))
    await reader.close()
    return facts


async def test_the_journal_is_as_long_as_its_newest_row_of_any_currency(shop: Shop) -> None:
    stock(shop, "book-1", "book-2")
    assert ((await read(shop.database_url, "ann")).transfers, (await read(shop.database_url, "bob")).transfers) == (
        0,
        0,
    )
    await give(shop, "ann", 500)
    await give(shop, "bob", 1)
    soon = system_clock() + timedelta(hours=1)
    async with open_settlement(shop.database_url) as settlement:
        for gems in (credit("ann", 5), credit("ann", 7, kind="bonus", expires_at=soon)):
            await settlement.submit(msgspec.structs.replace(gems, currency="GEM"))
    facts = await read(shop.database_url, "ann")
    assert (facts.transfers, facts.balances, facts.owned) == (3, {"BELL": 500, "GEM": 12}, [])
    later = await read(shop.database_url, "ann", timedelta(hours=2))
    assert (later.transfers, later.balances) == (3, {"BELL": 500, "GEM": 5}), "what has lapsed is not booked out yet"

    assert (await buyer(shop, "ann").buy("book-1")).json()["balance"] == 400
    facts = await read(shop.database_url, "ann")
    assert (facts.transfers, facts.balances, facts.owned) == (4, {"BELL": 400, "GEM": 12}, ["book-1"])
    assert (await read(shop.database_url, "bob")).transfers == 1
