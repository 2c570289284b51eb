"""Rights that an operator gives and ends: each once, and only for products that there are."""

from collections.abc import AsyncIterator

import pytest

from lingdang.backoffice.rights import (
    GrantRequest,
    RevocationRequest,
    grant_right,
    note_opened,
    require_product,
    revoke_right,
)
from lingdang.clock import system_clock
from lingdang.db.pool import Pool
from lingdang.errors import Problem
from lingdang.ledger.settlement import Settlement
from support.customers import key_of
from support.journal import sql
from support.money import add_products, open_settlement

ANN = key_of("ann")
GIFT = GrantRequest("g-1", "a gift")
END = RevocationRequest("v-1", "a mistake")


@pytest.fixture
async def settlement(database_url: str) -> AsyncIterator[Settlement]:
    add_products(database_url, "a", "b")
    async with open_settlement(database_url) as opened:
        yield opened


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with Pool(database_url, 1, pgbouncer=False) as opened:
        yield opened


async def test_given_and_ended_once(settlement: Settlement, pool: Pool, database_url: str) -> None:
    assert [(a.granted, again) for a, again in [await grant_right(settlement, ANN, "a", GIFT) for _ in "12"]] == [
        (True, False),
        (True, True),
    ]
    owned, _ = await grant_right(settlement, ANN, "a", GrantRequest("g-2", "a gift"))
    assert not owned.granted
    first, again = [await revoke_right(pool, settlement, 0, ANN, "a", END) for _ in "12"]
    assert (first[1], again[1], first[0].revoked_at) == (False, True, again[0].revoked_at)
    assert sql(database_url, "SELECT count(*) FROM entitlement") == [(0,)]
    assert sql(database_url, "SELECT kind FROM transfer ORDER BY seq") == [("grant",), ("revocation",)]


async def test_a_right_that_is_not_there_is_neither_ended_nor_opened(
    settlement: Settlement, pool: Pool, database_url: str
) -> None:
    await grant_right(settlement, ANN, "a", GIFT)
    before = sql(database_url, "SELECT * FROM entitlement"), sql(database_url, "SELECT * FROM transfer")
    for customer, product_id in ((ANN, "b"), (key_of("bob"), "a")):
        with pytest.raises(Problem, match="not_found"):
            await revoke_right(pool, settlement, 0, customer, product_id, END)
        with pytest.raises(Problem, match="not_found"):
            await note_opened(pool, 0, customer, product_id, system_clock())
    assert (sql(database_url, "SELECT * FROM entitlement"), sql(database_url, "SELECT * FROM transfer")) == before


async def test_the_first_word_that_it_was_opened_stays(settlement: Settlement, pool: Pool, database_url: str) -> None:
    await grant_right(settlement, ANN, "a", GIFT)
    now = system_clock()
    await note_opened(pool, 0, ANN, "a", now)
    await note_opened(pool, 0, ANN, "a", system_clock())
    assert sql(database_url, "SELECT opened_at FROM entitlement") == [(now,)]


@pytest.mark.usefixtures("settlement")
async def test_a_product_must_be_there(pool: Pool) -> None:
    await require_product(pool, "a")
    with pytest.raises(Problem, match="not_found"):
        await require_product(pool, "z")
