"""Bells follow the money: credited once, taken back as far as it went back, and given again when it did not."""

import msgspec
import pytest

from lingdang.topup.booking import FULL, Booked, book
from lingdang.topup.rows import TopupRow
from support.till import Till
from support.topups import AT, ROW


def paid(row: TopupRow) -> TopupRow:
    return msgspec.structs.replace(row, received=600, received_currency="CNY", paid_at=AT)


async def booked(till: Till, before: TopupRow, after: TopupRow, promised: int = 0) -> Booked:
    return await book(till.topups.settlement, before, after, promised, till.hands())


async def credited(till: Till) -> TopupRow:
    row = await till.insert()
    return (await booked(till, row, paid(row))).row


async def test_what_is_paid_is_credited_once_however_often_it_is_said(till: Till) -> None:
    row = await till.insert()
    first = await booked(till, row, paid(row))
    again = await booked(till, row, paid(row))
    assert first.row.credited_at == again.row.credited_at
    assert (first.row.credited_at is not None, first.taken) == (True, None)
    assert till.bells() == [("topup", 660, 660)]


async def test_nothing_is_booked_for_what_is_not_due(till: Till) -> None:
    row = await till.insert()
    for after in (row, msgspec.structs.replace(paid(row), differs=("amount",))):
        assert await booked(till, row, after, promised=600) == Booked(after)
    assert till.bells() == []


@pytest.mark.parametrize(
    ("changed", "promised", "left"),
    [
        ({"refunded": 100}, 0, 550),
        ({"refunded": 100}, 200, 330),
        ({"refunded": 300}, 0, 330),
        ({"refunded": 100, "lost": 200}, 0, 330),
        ({"refunded": 600}, 0, 0),
        ({"disputed": 600}, 0, 0),
    ],
)
async def test_as_many_bells_are_gone_as_money_is_or_will_be(
    till: Till, changed: dict[str, int], promised: int, left: int
) -> None:
    row = await credited(till)
    for _ in range(2):
        await booked(till, row, msgspec.structs.replace(row, **changed), promised)
    assert till.bells()[-1][2] == left
    assert len(till.bells()) == 2, "twice is once"
    await booked(till, row, row)
    assert till.bells()[-1][2] == 660, "money that did not go back gives them again"


async def test_money_whose_bells_no_wallet_holds_is_left_to_an_operator_undecided(till: Till) -> None:
    most = await till.insert(paid=10**15, bonus=0)
    await booked(till, most, paid(most))
    row = await till.insert()
    accepted = msgspec.structs.replace(paid(row), differs=("amount",), decided="accepted")
    full = (await booked(till, row, accepted)).row
    assert (full.differs, full.decided, full.credited_at) == (("amount", FULL), None, None)
    assert (full.status, ROW.status) == ("review", "pending")
    assert till.bells() == [("topup", 10**15, 10**15)]
