"""A refund is written down once, one at a time, and for no more than the money that is there."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from lingdang.db.pool import connection_of, transaction
from lingdang.errors import Problem
from lingdang.topup import refunds
from lingdang.topup.refunds import Outcome, RefundRow
from lingdang.topup.rows import TopupRow
from support.till import Till
from support.topups import AT

MINUTE = timedelta(minutes=1)
PENDING = RefundRow(
    refund_id="r-1", amount=200, base=300, tries=0, asked_at=AT, due_at=AT, done_at=None, refused=None, counted_at=None
)
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
    return refunds.promised(await known(till, row), row.refunded)


async def hear(till: Till, row: TopupRow, outcome: Outcome, after: timedelta) -> None:
    async with transaction(till.topups.pool) as connection:
        before = await refunds.refunds_of(connection, row)
        await refunds.save(connection, row, before, refunds.told(before, outcome, AT + after))


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
    assert await promised(till, row) == 500
    await hear(till, row, Outcome("r-1", "failed", "too_late"), MINUTE)
    assert await promised(till, row) == 0
    assert await ask(till, row, "r-2", 1)
    await hear(till, row, Outcome("r-2", "pending"), MINUTE)
    assert await promised(till, row) == 0, "the top-up's sum has it"
    assert await ask(till, row, "r-3", 1), "the one before it has its answer"
    for minutes in (2, 9):
        await hear(till, row, Outcome("r-2", "done"), minutes * MINUTE)
    found = {each.refund_id: (each.status, each.refused, each.done_at) for each in await known(till, row)}
    assert found == {
        "r-1": ("refused", "too_late", AT + MINUTE),
        "r-2": ("done", None, AT + 2 * MINUTE),
        "r-3": ("pending", None, None),
    }


@pytest.mark.parametrize(
    ("tries", "refunded", "amount"), [(0, 0, 200), (0, 350, 150), (0, 600, 0), (1, 350, 200), (1, 600, 200)]
)
def test_what_is_on_its_way_is_taken_for_what_is_told_only_while_it_is_first_asked_for(
    tries: int, refunded: int, amount: int
) -> None:
    assert refunds.promised([msgspec.structs.replace(PENDING, tries=tries)], refunded) == amount


def test_when_less_went_back_what_was_counted_is_asked_about() -> None:
    done = msgspec.structs.replace(PENDING, due_at=None, done_at=AT, counted_at=AT)
    refused = msgspec.structs.replace(PENDING, due_at=None, done_at=AT, refused="too_late")
    found = refunds.doubted([PENDING, done, refused], AT + MINUTE)
    assert found == [PENDING, msgspec.structs.replace(PENDING, due_at=AT + MINUTE, counted_at=AT), refused]


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
    await hear(till, row, Outcome("r-1", "done"), MINUTE)
    assert await refunds.claim(pool, "sandbox", now + 9 * MINUTE, 9) == []
