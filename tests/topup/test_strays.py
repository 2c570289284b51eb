"""A payment of no top-up promises nothing, a second one of a top-up what the first one did. Neither is credited."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from lingdang.ids import uuid7
from lingdang.topup.money import Money
from lingdang.topup.providers.provider import Action, Return, Standing
from lingdang.topup.rows import NOBODY, TopupRow
from lingdang.topup.strays import REPEATED, UNKNOWN, is_free, let_go, stray_of
from support.topups import AT, ROW

LATER = AT + timedelta(days=1)
STRAY = uuid7()
MONEY = Money(500, "USD")
PAID = msgspec.structs.replace(
    ROW,
    reference="first",
    action=Action(kind="redirect", url="https://pay.example/"),
    received=600,
    received_currency="CNY",
    refunded=100,
    disputed=50,
    lost=25,
    told={"refunded": AT},
    paid_at=AT,
    credited_at=AT,
    finished=True,
    version=7,
    asks=3,
    next_ask_at=LATER,
)


def standing(money: Money | None = MONEY) -> Standing:
    return Standing(topup_id=ROW.topup_id, reference="second", state="paid", at=LATER, received=money)


def stray(found: TopupRow | None, account: str = "wechat", money: Money | None = MONEY) -> TopupRow:
    return stray_of(STRAY, ROW.customer, ROW.bucket, account, standing(money), found, LATER)


def test_a_second_payment_is_agreed_as_the_first_one_and_has_nothing_of_what_became_of_it() -> None:
    fresh = msgspec.structs.replace(
        ROW, topup_id=STRAY, reference="second", differs=(REPEATED,), created_at=LATER, expires_at=LATER
    )
    assert stray(PAID) == fresh


@pytest.mark.parametrize("found", [None, PAID])
def test_a_payment_of_no_top_up_of_the_account_promises_no_bells(found: TopupRow | None) -> None:
    row = stray(found, account="alipay")
    assert (row.topup_id, row.account, row.reference, row.differs) == (STRAY, "alipay", "second", (UNKNOWN,))
    assert (row.paid, row.bonus, row.agreed) == (0, 0, MONEY)
    assert (row.received, row.credited_at, row.package_id) == (0, None, "")


def test_what_tells_no_money_is_of_no_currency() -> None:
    assert stray(None, money=None).agreed == Money(0, "XXX")


FREE = msgspec.structs.replace(
    stray(None), customer=NOBODY, received=500, received_currency="USD", paid_at=LATER, next_ask_at=LATER
)


@pytest.mark.parametrize(
    "changed",
    [
        {"customer": 1},
        {"decided": "returned"},
        {"refunded": 1},
        {"disputed": 1},
        {"lost": 1},
        {"returns": (Return(reference="r", amount=0),)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_one_of_nobody_is_free_until_something_has_become_of_it(changed: dict[str, Any]) -> None:
    assert is_free(FREE)
    assert not is_free(msgspec.structs.replace(FREE, **changed))


def test_one_that_was_let_go_has_no_money_and_is_over() -> None:
    row = let_go(FREE)
    assert (row.status, row.reference, row.money, row.is_credit_due) == ("failed", None, row.agreed, False)
    assert (row.paid_at, row.next_ask_at) == (None, None)


@pytest.mark.parametrize("found", [None, PAID])
def test_the_money_of_a_stray_is_in_review_until_somebody_decides(found: TopupRow | None) -> None:
    row = msgspec.structs.replace(stray(found), received=500, received_currency="USD", customer=NOBODY)
    assert (row.status, row.is_credit_due) == ("review", False)
