"""Whose payment it is follows from our number, then from its reference; all other money has a row of its own."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import msgspec
import psycopg
import pytest

from lingdang.keys import Keyring
from lingdang.topup.finding import Finding
from lingdang.topup.inbox import Place, Told
from lingdang.topup.money import Money
from lingdang.topup.providers.provider import Standing
from lingdang.topup.rows import NOBODY, TopupRow
from support.till import Till, till_of
from support.topups import AT

PLACE = Place("sandbox", "told n")
PAID = Standing(topup_id=None, reference="r", state="paid", at=AT, received=Money(600, "CNY"))


@pytest.fixture
async def till(database_url: str, keyring: Keyring) -> AsyncIterator[Till]:
    async with till_of(database_url, keyring) as opened:
        yield opened


def finding(till: Till) -> Finding:
    return Finding(till.topups.pool, till.topups.inbox, till.hands, 1)


async def whose(till: Till, **changed: Any) -> TopupRow | None:
    return await finding(till).whose(PLACE, msgspec.structs.replace(PAID, **changed))


async def test_our_number_and_then_the_reference_say_whose_it_is(till: Till) -> None:
    first, second = await till.insert(), await till.insert(reference="r")
    assert await whose(till, topup_id=first.topup_id, reference="s") == await till.found(first)
    assert await whose(till, topup_id=None) == await till.found(second)
    assert await whose(till, topup_id=first.topup_id) is None, "it is the payment of the second one"


async def test_money_of_nobody_is_one_row_however_often_it_is_told(till: Till) -> None:
    found = [await whose(till) for _ in range(2)]
    assert found[0] == found[1] is not None
    assert till.sql("SELECT customer, differs, paid FROM topup") == [(NOBODY, ["unknown"], 0)]


async def test_a_second_payment_and_one_at_another_account_have_rows_of_their_own(till: Till) -> None:
    paid = await till.insert(reference="first", received=600, received_currency="CNY", paid_at=AT)
    elsewhere = await till.insert(account="another")
    second = await whose(till, topup_id=paid.topup_id)
    other = await whose(till, topup_id=elsewhere.topup_id, reference="other")
    assert second is not None
    assert other is not None
    assert (second.differs, second.paid, second.customer) == (("repeated",), 600, paid.customer)
    assert (other.differs, other.paid, other.customer) == (("unknown",), 0, paid.customer)


async def test_a_payment_is_never_two_top_ups_whatever_number_it_names(till: Till) -> None:
    paid = await till.insert(reference="first", received=600, received_currency="CNY", paid_at=AT)
    await till.insert(reference="r")
    assert await whose(till, topup_id=paid.topup_id) is None
    assert till.sql("SELECT count(*) FROM topup") == [(2,)]


@pytest.mark.parametrize("changed", [{"state": "open"}, {"state": "closed"}, {"received": None}])
async def test_of_payments_of_somebody_else_nothing_is_kept_but_that_they_were_told(
    till: Till, changed: dict[str, Any]
) -> None:
    assert await whose(till, **changed) is None
    assert till.sql("SELECT 1 FROM topup") == []


async def test_a_first_payment_is_claimed_and_nobody_else_s_then(till: Till) -> None:
    first, second, paid = await till.insert(), await till.insert(), await till.insert(paid_at=AT)
    for row in (first, first, paid):
        await finding(till).claim(row, PAID)
    await finding(till).claim(second, msgspec.structs.replace(PAID, state="open"))
    assert [(await till.found(row)).reference for row in (first, second, paid)] == ["r", None, None]
    with pytest.raises(psycopg.errors.UniqueViolation):
        await finding(till).claim(second, PAID)


async def test_what_tells_of_no_payment_is_over_at_once_and_of_an_unknown_one_it_waits(till: Till) -> None:
    [(place, _)] = await till.taken_in(msgspec.structs.replace(PAID, state="open"))
    await finding(till).leave(place, PAID)
    assert till.sql("SELECT failures FROM topup_waiting") == [(1,)]
    await finding(till).leave(place, None)
    assert till.sql("SELECT 1 FROM topup_waiting") == []


async def test_a_first_payment_is_asked_about_where_something_was_told_of_it_before(till: Till) -> None:
    row = await till.insert()
    told = Told(source="notification", type="paid", standing=PAID)
    assert await finding(till).as_asked(PLACE, told, row) == told
    unnamed = msgspec.structs.replace(told, standing=msgspec.structs.replace(PAID, reference=None))
    assert (await finding(till).as_asked(PLACE, unnamed, row)).ask, "what was told of it cannot be looked up"
    [(place, _)] = await till.taken_in(msgspec.structs.replace(PAID, state="open"))
    assert (await finding(till).as_asked(PLACE, told, row)).ask
    assert await finding(till).as_asked(place, told, row) == told, "it is this entry"
    answer = msgspec.structs.replace(told, source="answer", seen=row.version)
    for asked_at, asks in ((till.hands() + timedelta(seconds=1), False), (till.hands() - timedelta(seconds=1), True)):
        asked = msgspec.structs.replace(answer, standing=msgspec.structs.replace(PAID, at=asked_at))
        assert (await finding(till).as_asked(PLACE, asked, row)).ask == asks, "it has what was told before its question"
    paid = msgspec.structs.replace(row, paid_at=AT)
    assert await finding(till).as_asked(PLACE, told, paid) == told
