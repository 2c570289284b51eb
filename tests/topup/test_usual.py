"""The usual notification takes two questions; of two payments of one top-up at once none is lost."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from lingdang.keys import Keyring
from lingdang.topup.advancing import Step
from lingdang.topup.following import Following
from lingdang.topup.inbox import Place, Told
from lingdang.topup.money import Money
from lingdang.topup.providers.provider import Return, Standing
from lingdang.topup.rows import TopupRow
from lingdang.topup.usual import is_credit_alone, is_usual
from support.till import Till, till_of
from support.topups import AT, ROW

PAID = Standing(topup_id=ROW.topup_id, reference="r", state="paid", at=AT, received=Money(600, "CNY"))


OURS = msgspec.structs.replace(ROW, reference="r")
PLACE = Place(ROW.account, "told n")


def told(**changed: Any) -> Told:
    return Told(source="notification", type="t", standing=msgspec.structs.replace(PAID, **changed))


def test_a_payment_of_what_nobody_has_heard_of_is_usual() -> None:
    assert is_usual(OURS, PLACE, told())
    assert is_usual(ROW, PLACE, told()), "many a provider names its payment only when it is paid"
    assert is_usual(OURS, PLACE, told(reference="another")), "or names it anew, as Stripe does"


@pytest.mark.parametrize(
    "changed",
    [
        {"state": "closed"},
        {"test": True},
        {"refunded": 1},
        {"disputed": 1},
        {"lost": 1},
        {"returns": (Return(reference="x", amount=1),)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_what_tells_of_more_is_not(changed: dict[str, Any]) -> None:
    assert not is_usual(OURS, PLACE, told(**changed))


@pytest.mark.parametrize(
    "changed",
    [
        {"received": 600},
        {"refunded": 1},
        {"disputed": 1},
        {"lost": 1},
        {"returns": (Return(reference="x", amount=1),)},
        {"differs": ("amount",)},
        {"decided": "returned"},
        {"credited_at": AT},
        {"account": "another"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_top_up_of_which_something_is_known_is_not(changed: dict[str, Any]) -> None:
    assert not is_usual(msgspec.structs.replace(OURS, **changed), PLACE, told())


def test_a_store_s_question_is_not() -> None:
    assert not is_usual(OURS, PLACE, msgspec.structs.replace(told(), evidence="proof"))
    assert not is_usual(OURS, PLACE, Told(source="notification", type="t"))


def test_another_amount_is_more_than_a_credit() -> None:
    paid = msgspec.structs.replace(ROW, received=600, received_currency="CNY", paid_at=AT)
    assert is_credit_alone(Step(ROW, paid))
    assert not is_credit_alone(Step(ROW, msgspec.structs.replace(paid, differs=("amount",))))
    assert not is_credit_alone(Step(ROW, ROW))


@pytest.fixture
async def till(database_url: str, keyring: Keyring) -> AsyncIterator[Till]:
    async with till_of(database_url, keyring) as opened:
        yield opened


def of(row: TopupRow, reference: str, amount: int = 600) -> Standing:
    return msgspec.structs.replace(PAID, topup_id=row.topup_id, reference=reference, received=Money(amount, "CNY"))


@pytest.mark.parametrize("first", [0, 1])
async def test_of_two_payments_at_once_one_is_repeated_and_none_is_lost(till: Till, first: int) -> None:
    """The other one is found before either is carried out: it is judged again once the top-up is locked."""
    row = await till.begun(reference="a" if first else None)
    entries = await till.taken_in(of(row, "a"), of(row, "b"))
    parts = till.topups
    await asyncio.gather(*(parts.following.carry_out(*entry) for entry in entries))
    assert till.bells() == [("topup", 660, 660)]
    assert sorted(till.sql("SELECT status, differs FROM topup")) == [("paid", []), ("review", ["repeated"])]
    assert till.sql("SELECT 1 FROM topup_waiting") == []


async def test_a_second_payment_of_another_amount_leaves_no_bells_without_a_row(till: Till) -> None:
    row = await till.begun(reference="a")
    entries = await till.taken_in(of(row, "a"), of(row, "b", 601))
    await asyncio.gather(*(till.topups.following.carry_out(*entry) for entry in entries))
    credited = till.sql("SELECT count(*) FROM topup WHERE credited_at IS NOT NULL")
    assert [(len(till.bells()),)] == credited
    assert len(till.sql("SELECT 1 FROM topup")) == 2, "each payment has a row"


async def test_the_payment_of_another_top_up_credits_nothing(till: Till) -> None:
    await till.begun(reference="a")
    row = await till.begun("bob")
    [taken] = await till.taken_in(of(row, "a"))
    await till.topups.following.carry_out(*taken)
    assert (till.bells(), till.sql("SELECT 1 FROM topup_waiting")) == ([], [])
    assert till.sql("SELECT DISTINCT status FROM topup") == [("pending",)]


async def test_one_payment_of_two_top_ups_at_once_is_credited_once(till: Till) -> None:
    """A provider that contradicts itself: whose payment it is, is written down before its bells come."""
    ann, bob = await till.begun("ann"), await till.begun("bob")
    entries = await till.taken_in(of(ann, "a"), of(bob, "a"))
    await asyncio.gather(*(till.topups.following.try_out(*entry) for entry in entries))
    till.hands.forward(seconds=60)
    await till.carry_out_due()
    assert till.bells() == [("topup", 660, 660)]
    assert sorted(till.sql("SELECT status FROM topup")) == [("paid",), ("pending",)]
    assert till.sql("SELECT 1 FROM topup_waiting") == []


async def test_a_payment_that_was_credited_and_whose_process_died_is_no_other_top_up_s(till: Till) -> None:
    ann, bob = await till.begun("ann"), await till.begun("bob")
    entries = await till.taken_in(of(ann, "a"), of(bob, "a"))
    parts = till.topups
    dying = Following(parts.pool, parts.settlement, parts.inbox, till.hands, 1, reached=_die_at_credit)
    with pytest.raises(DeadError):
        await dying.carry_out(*entries[0])
    for entry in reversed(entries):
        await parts.following.carry_out(*entry)
    assert till.bells() == [("topup", 660, 660)]
    assert (await till.found(ann)).status == "paid"
    assert (await till.found(bob)).status == "pending"


class DeadError(Exception):
    """The process ends here."""


def _die_at_credit(point: str) -> None:
    if point == "credit":
        raise DeadError


@pytest.mark.parametrize("reference", ["a", "cs_1", None])
async def test_the_usual_way_is_credit_and_row(till: Till, reference: str | None) -> None:
    points: list[str] = []
    parts = till.topups
    row = await till.begun(reference=reference)
    [taken] = await till.taken_in(of(row, "a"))
    await Following(parts.pool, parts.settlement, parts.inbox, till.hands, 1, reached=points.append).carry_out(*taken)
    assert points == ["inbox", "credit", "row"]
    assert till.bells() == [("topup", 660, 660)]
    assert till.sql("SELECT 1 FROM topup_waiting") == []
