"""The usual notification is carried out without a lock; whoever is overtaken begins anew, with it."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from lingdang.keys import Keyring
from lingdang.topup.advancing import Step
from lingdang.topup.following import Following
from lingdang.topup.inbox import Told
from lingdang.topup.money import Money
from lingdang.topup.providers.provider import Return, Standing
from lingdang.topup.usual import is_credit_alone, is_usual
from support.till import Till, till_of
from support.topups import AT, ROW

PAID = Standing(topup_id=ROW.topup_id, reference="r", state="paid", at=AT, received=Money(600, "CNY"))


def told(**changed: Any) -> Told:
    return Told(source="notification", type="t", standing=msgspec.structs.replace(PAID, **changed))


def test_a_payment_of_what_nobody_has_heard_of_is_usual() -> None:
    assert is_usual(ROW, told())


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
    assert not is_usual(ROW, told(**changed))


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
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_top_up_of_which_something_is_known_is_not(changed: dict[str, Any]) -> None:
    assert not is_usual(msgspec.structs.replace(ROW, **changed), told())


def test_a_store_s_question_is_not() -> None:
    assert not is_usual(ROW, msgspec.structs.replace(told(), evidence="proof"))
    assert not is_usual(ROW, Told(source="notification", type="t"))


def test_another_amount_is_more_than_a_credit() -> None:
    paid = msgspec.structs.replace(ROW, received=600, received_currency="CNY", paid_at=AT)
    assert is_credit_alone(Step(ROW, paid))
    assert not is_credit_alone(Step(ROW, msgspec.structs.replace(paid, differs=("amount",))))
    assert not is_credit_alone(Step(ROW, ROW))


@pytest.fixture
async def till(database_url: str, keyring: Keyring) -> AsyncIterator[Till]:
    async with till_of(database_url, keyring) as opened:
        yield opened


async def overtaken(till: Till, change: str) -> None:
    """A payment is told, and while its bells are credited somebody else changes the top-up."""
    row = await till.begun()
    [sending] = till.sandbox.play(row.topup_id, "pay") or []
    now = till.hands()
    read = till.sandbox.read(sending.headers, sending.body, now)
    taken = await till.topups.inbox.take("sandbox", read, sending.headers, sending.body, now)
    assert taken is not None
    points: list[str] = []

    def reached(point: str) -> None:
        points.append(point)
        if points == ["inbox", "credit"]:
            till.sql(f"UPDATE topup SET version = version + 1, {change}")

    parts = till.topups
    follower = Following(parts.pool, parts.settlement, parts.inbox, till.hands, 1, reached=reached)
    await follower.carry_out(*taken)
    assert points == ["inbox", "credit", "credit", "rights", "row"], "once more, with the lock"


async def test_who_is_overtaken_begins_anew(till: Till) -> None:
    await overtaken(till, "asks = 7, closed = 'expired'")
    assert till.bells() == [("topup", 660, 660)]
    assert till.sql("SELECT status, asks, credited_at IS NOT NULL FROM topup") == [("paid", 7, True)]
    assert till.sql("SELECT 1 FROM topup_waiting") == []


async def test_a_refund_that_overtakes_its_payment_is_taken_back(till: Till) -> None:
    returned = """[{"reference":"x","amount":600}]"""
    await overtaken(till, f"returns = '{returned}'")
    assert till.sql("SELECT status FROM topup") == [("refunded",)]
    assert [kind for kind, _, _ in till.bells()] == ["topup", "takeback"]
    assert till.sql("SELECT balance FROM wallet") == [(0,)]


async def test_the_usual_way_takes_no_lock(till: Till) -> None:
    points: list[str] = []
    parts = till.topups
    row = await till.begun()
    [sending] = till.sandbox.play(row.topup_id, "pay") or []
    now = till.hands()
    read = till.sandbox.read(sending.headers, sending.body, now)
    taken = await parts.inbox.take("sandbox", read, sending.headers, sending.body, now)
    assert taken is not None
    await Following(parts.pool, parts.settlement, parts.inbox, till.hands, 1, reached=points.append).carry_out(*taken)
    assert points == ["inbox", "credit", "row"]
    assert till.bells() == [("topup", 660, 660)]
    assert till.sql("SELECT 1 FROM topup_waiting") == []
