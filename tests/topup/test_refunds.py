"""A refund is written down once, one at a time, and for no more than the money that is there."""

from datetime import timedelta
from typing import Any

import pytest

from lingdang.db.pool import connection_of, transaction
from lingdang.errors import Problem
from lingdang.topup import refunds
from lingdang.topup.refunds import RefundRow, Refusal
from lingdang.topup.rows import TopupRow
from support.till import Till
from support.topups import AT

MINUTE = timedelta(minutes=1)
PAID: dict[str, Any] = {"reference": "p-1", "received": 600, "received_currency": "CNY", "paid_at": AT}


async def ask(till: Till, row: TopupRow, refund_id: str, amount: int) -> bool:
    async with transaction(till.topups.pool) as connection:
        return await refunds.write_down(connection, row, refund_id, amount, AT)


async def why_not(till: Till, row: TopupRow, refund_id: str, amount: int) -> str:
    with pytest.raises(Problem) as refused:
        await ask(till, row, refund_id, amount)
    if refused.value.code == "idempotency_mismatch":
        return refused.value.code
    assert refused.value.code == "refund_not_allowed"
    return str(refused.value.members["reasons"]["topup"])


async def known(till: Till, row: TopupRow) -> list[RefundRow]:
    async with connection_of(till.topups.pool) as connection:
        return await refunds.refunds_of(connection, row)


async def promised(till: Till, row: TopupRow) -> int:
    async with connection_of(till.topups.pool) as connection:
        return await refunds.promised(connection, row)


@pytest.mark.parametrize(
    ("changed", "amount", "reason"),
    [
        ({"received": 0}, 1, "not_paid"),
        ({"reference": None}, 1, "not_paid"),
        ({}, 0, "more_than_there_is"),
        ({}, 601, "more_than_there_is"),
        ({"refunded": 100, "disputed": 200, "lost": 250}, 51, "more_than_there_is"),
    ],
)
async def test_no_more_goes_back_than_is_there(till: Till, changed: dict[str, Any], amount: int, reason: str) -> None:
    row = await till.insert(**(PAID | changed))
    assert await why_not(till, row, "r-1", amount) == reason
    assert await known(till, row) == []


async def test_a_refund_is_one_however_often_it_is_asked_for_and_the_next_one_waits_for_its_end(till: Till) -> None:
    row = await till.insert(**PAID, refunded=100)
    assert await ask(till, row, "r-1", 500)
    assert not await ask(till, row, "r-1", 500)
    assert await why_not(till, row, "r-1", 499) == "idempotency_mismatch"
    assert await why_not(till, row, "r-2", 1) == "another_under_way"
    [refund] = await known(till, row)
    assert (refund.amount, refund.base, refund.status) == (500, 100, "pending")
    assert await promised(till, row) == 600
    too_late = Refusal("r-1", "too_late")
    async with transaction(till.topups.pool) as connection:
        assert await refunds.promised(connection, row, without=too_late) == 0
        await refunds.refuse(connection, row, too_late, AT + MINUTE)
    assert await promised(till, row) == 0
    assert await ask(till, row, "r-2", 1)
    await refunds.end(till.topups.pool, row, "r-2", AT + MINUTE)
    await refunds.end(till.topups.pool, row, "r-2", AT + 9 * MINUTE)
    found = {each.refund_id: (each.status, each.refused, each.done_at) for each in await known(till, row)}
    assert found == {"r-1": ("refused", "too_late", AT + MINUTE), "r-2": ("done", None, AT + MINUTE)}


async def test_what_is_due_is_given_out_once_for_longer_each_time_and_by_account(till: Till) -> None:
    row = await till.insert(**PAID)
    await ask(till, row, "r-1", 1)
    pool, now = till.topups.pool, AT + refunds.HELD
    assert await refunds.claim(pool, "sandbox", now - timedelta(seconds=1), 9) == [], "whoever asked is at it"
    assert await refunds.claim(pool, "other", now, 9) == []
    for pause in (1, 2, 3):
        assert await refunds.claim(pool, "sandbox", now, 9) == [(row.topup_id, "r-1")]
        now += pause * MINUTE
        assert await refunds.claim(pool, "sandbox", now - timedelta(seconds=1), 9) == []
    await refunds.end(pool, row, "r-1", now)
    assert await refunds.claim(pool, "sandbox", now + 9 * MINUTE, 9) == []
