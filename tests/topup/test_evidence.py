"""A store is told from the books how much was consumed, and of each credit until it has taken the word."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from lingdang.errors import Problem
from lingdang.ids import uuid7
from lingdang.keys import Keyring
from lingdang.topup.evidence import ALL, consumed
from lingdang.topup.rows import TopupRow
from support.money import add_products, line, pay
from support.stores import Store
from support.till import Till, till_of

BOUGHT: dict[str, Any] = {"account": "store", "channel": "store", "received": 600, "received_currency": "CNY"}


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
async def till(database_url: str, keyring: Keyring, store: Store) -> AsyncIterator[Till]:
    add_products(database_url, "book")
    async with till_of(database_url, keyring, ("store", store)) as opened:
        yield opened


async def bought(till: Till) -> TopupRow:
    """A purchase whose 660 bells were given."""
    row = await till.insert(**BOUGHT, reference=f"store-{uuid7()}")
    return await till.topups.following.rebook(row.topup_id)


async def tried(till: Till, done: Callable[[], object], expected: object) -> None:
    """Go round once; then this is so."""
    await till.topups.evidence.run("store")
    assert done() == expected


async def test_the_share_that_was_spent_is_told_in_thousandths_of_a_percent_rounded_down(
    till: Till, store: Store
) -> None:
    row = await bought(till)
    await till.topups.evidence.answer(row, "q-1")
    await till.topups.settlement.submit(pay("ann", line("book", price=110)))
    await till.topups.evidence.answer(row, "q-2")
    assert store.told == [("q-1", 0), ("q-2", ALL * 110 // 660)]
    assert ALL * 110 // 660 == 16_666


async def test_of_what_was_not_credited_nothing_is_consumed(till: Till, store: Store) -> None:
    await till.topups.evidence.answer(await till.insert(**BOUGHT), "q-1")
    assert (store.told, consumed(None)) == ([("q-1", 0)], 0)


async def test_a_store_that_is_away_is_answered_again_and_one_that_refuses_is_not(till: Till, store: Store) -> None:
    row = await bought(till)
    store.unwilling = {"q-1"}
    await till.topups.evidence.answer(row, "q-1")
    till.topups.accounts["store"].close()
    with pytest.raises(Problem, match="overloaded"):
        await till.topups.evidence.answer(row, "q-2")
    assert store.told == []


async def test_another_account_is_told_nothing(till: Till, store: Store) -> None:
    await till.topups.evidence.answer(await till.insert(), "q-1")
    await till.topups.evidence.answer(await till.insert(account="gone"), "q-2")
    assert store.told == []


async def test_each_credit_is_told_once_and_again_later_while_the_store_does_not_take_it(
    till: Till, store: Store
) -> None:
    row = await bought(till)
    store.away = True
    await tried(till, lambda: store.finished, [])
    store.away = False
    await tried(till, lambda: store.finished, [])
    till.hands.forward(61)
    for _ in range(2):
        await tried(till, lambda: store.finished, [row.reference])
        till.hands.forward(3600)
    assert (await till.found(row)).finished


async def test_what_was_not_credited_is_not_told(till: Till, store: Store) -> None:
    await till.insert(**(BOUGHT | {"reference": "store-1"}))
    await tried(till, lambda: store.finished, [])
