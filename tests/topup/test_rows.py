"""A top-up is written once and whole, and changed by whoever has it locked; bells are due for money in order."""

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from lingdang.db.pool import transaction
from lingdang.ids import uuid7
from lingdang.topup import rows
from lingdang.topup.money import Money
from lingdang.topup.providers.provider import Action, Return
from support.till import Till
from support.topups import AT, ROW

CHANGES: dict[str, Any] = {
    "reference": "wx-1",
    "action": Action(kind="qr", url="weixin://pay", params={"a": "b"}),
    "received": 600,
    "received_currency": "CNY",
    "refunded": 100,
    "disputed": 40,
    "lost": 3,
    "returns": (Return(reference="r-1", amount=100), Return(reference="r-2", amount=0)),
    "told": {"refunded": AT},
    "test": True,
    "closed": "expired",
    "differs": ("amount", "currency"),
    "decided": "accepted",
    "paid_at": AT,
    "credited_at": AT,
    "finished": True,
    "asks": 4,
    "next_ask_at": AT,
}


@pytest.mark.parametrize(
    ("changed", "due"),
    [
        ({}, False),
        ({"received": 600}, True),
        ({"received": 600, "credited_at": AT}, False),
        ({"received": 599, "differs": ("amount",)}, False),
        ({"received": 599, "differs": ("amount",), "decided": "accepted"}, True),
        ({"received": 599, "differs": ("amount",), "decided": "returned"}, False),
        ({"received": 600, "decided": "returned"}, False),
        ({"differs": ("amount",), "decided": "accepted"}, False),
    ],
)
def test_bells_are_due_once_for_money_that_is_as_agreed_or_was_accepted(changed: dict[str, Any], due: bool) -> None:
    assert msgspec.structs.replace(ROW, **changed).is_credit_due == due


def test_the_money_is_what_came_and_until_then_what_was_agreed() -> None:
    assert ROW.money == ROW.agreed == Money(600, "CNY")
    assert msgspec.structs.replace(ROW, received=5, received_currency="EUR").money == Money(5, "EUR")


async def test_a_row_is_read_as_it_was_written_and_nothing_of_what_was_agreed_ever_changes(till: Till) -> None:
    row = await till.insert()
    assert await till.found(row) == row
    async with transaction(till.topups.pool) as connection:
        locked = await rows.locked(connection, row.topup_id)
        agreed = {"created_at": AT + timedelta(days=9), "version": 77}
        await rows.update(connection, msgspec.structs.replace(locked, **CHANGES))
        with pytest.raises(AssertionError, match="locked"):
            await rows.update(connection, msgspec.structs.replace(locked, **CHANGES, **agreed))
    after = await till.found(row)
    assert after == msgspec.structs.replace(row, **CHANGES, version=1)
    assert till.sql("SELECT status FROM topup") == [(after.status,)]
    assert await rows.find_reference(till.topups.pool, "sandbox", "wx-1") == after
    assert await rows.find_reference(till.topups.pool, "other", "wx-1") is None
    assert await rows.find(till.topups.pool, uuid7()) is None


async def test_neither_a_top_up_nor_a_payment_of_an_account_is_written_twice(till: Till) -> None:
    row = await till.insert(reference="wx-1")
    async with transaction(till.topups.pool) as connection:
        for again in (row, msgspec.structs.replace(row, topup_id=uuid7())):
            assert not await rows.insert(connection, again)
        other = msgspec.structs.replace(row, topup_id=uuid7(), account="other")
        assert await rows.insert(connection, other)
    assert till.sql("SELECT count(*) FROM topup") == [(2,)]


async def test_who_has_locked_a_top_up_is_waited_for(till: Till) -> None:
    row = await till.insert()

    async def refund(amount: int) -> None:
        async with transaction(till.topups.pool) as connection:
            found = await rows.locked(connection, row.topup_id)
            await asyncio.sleep(0.05)
            await rows.update(connection, msgspec.structs.replace(found, refunded=found.refunded + amount))

    await asyncio.gather(*(refund(amount) for amount in (1, 10, 100)))
    after = await till.found(row)
    assert (after.refunded, after.version) == (111, 3)
