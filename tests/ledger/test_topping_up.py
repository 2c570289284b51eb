"""Topping up: bells for money come once for each top-up, paid ones and their bonus in one row."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from lingdang.errors import Problem
from lingdang.ids import MAX_AMOUNT
from lingdang.ledger.done import Done
from lingdang.ledger.lots import APART
from lingdang.ledger.rules import settle
from lingdang.ledger.state import State, Wallet
from lingdang.ledger.topping_up import Price, ToppedUp, TopUp
from support.money import credit

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
END = NOW + timedelta(days=30)
BONUS = "bonus@2026-05-31T12:00:00.000Z"
ANN = 11
SIX = TopUp(
    customer=ANN,
    topup_id=UUID(int=6),
    currency="BELL",
    paid=600,
    bonus=60,
    bonus_expires_at=END,
    provider="wechat",
    price=600,
    price_currency="CNY",
    reference="wx 6",
)


def changed(**fields: Any) -> TopUp:
    return msgspec.structs.replace(SIX, **fields)


def test_both_parts_come_in_one_row() -> None:
    [result], changes = settle(State(), [SIX], NOW)
    [row] = changes.rows
    assert row.accounts == ["clearing:paid", "clearing:bonus", "wallet:paid", f"wallet:{BONUS}"]
    assert (row.kind, row.amounts, row.amount) == ("topup", [-600, -60, 600, 60], 660)
    assert msgspec.json.decode(row.detail) == {
        "topupId": str(SIX.topup_id),
        "paid": 600,
        "bonus": 60,
        "lots": [["paid", 600], [BONUS, 60]],
        "provider": "wechat",
        "price": {"amount": 600, "currency": "CNY"},
        "reference": "wx 6",
        "bonusExpiresAt": "2026-05-31T12:00:00Z",
    }
    assert isinstance(result, Done)
    assert result.record == ToppedUp(
        customer=ANN,
        topup_id=SIX.topup_id,
        currency="BELL",
        seq=1,
        paid=600,
        bonus=60,
        bonus_expires_at=END,
        lots=[("paid", 600), (BONUS, 60)],
        provider="wechat",
        price=Price(600, "CNY"),
        reference="wx 6",
        test=False,
        balance=660,
        credited_at=NOW,
    )


def test_the_same_again_adds_nothing_though_its_bonus_would_end_later() -> None:
    """Whoever heals a gap reckons the bonus's end from another moment."""
    again = changed(bonus_expires_at=END + timedelta(hours=1))
    (first, second), changes = settle(State(), [SIX, again], NOW)
    assert isinstance(first, Done)
    assert second == Done(first.record, replayed=True)
    assert [row.balance for row in changes.rows] == [660]


@pytest.mark.parametrize(
    "other",
    [
        {"paid": 601},
        {"bonus": 61},
        {"currency": "GEM"},
        {"provider": "alipay"},
        {"price": 601},
        {"price_currency": "USD"},
        {"reference": "wx 7"},
        {"test": True},
    ],
)
def test_one_id_is_one_top_up(other: dict[str, Any]) -> None:
    (_, refused), changes = settle(State(), [SIX, changed(**other)], NOW)
    assert isinstance(refused, Problem)
    assert refused.code == "idempotency_mismatch"
    assert len(changes.rows) == 1


def test_nobody_has_paid_for_the_bells_of_a_test() -> None:
    [_], changes = settle(State(), [changed(test=True)], NOW)
    [row] = changes.rows
    assert (row.accounts, row.amounts) == (["clearing:bonus", "wallet:bonus", f"wallet:{BONUS}"], [-660, 600, 60])
    [_], changes = settle(State(), [changed(test=True, bonus_expires_at=None)], NOW)
    [row] = changes.rows
    assert (row.accounts, row.amounts) == (["clearing:bonus", "wallet:bonus"], [-660, 660])


@pytest.mark.parametrize(("paid", "bonus", "lots"), [(600, 0, ("paid",)), (0, 60, (BONUS,))])
def test_a_part_may_be_missing(paid: int, bonus: int, lots: tuple[str, ...]) -> None:
    [_], changes = settle(State(), [changed(paid=paid, bonus=bonus)], NOW)
    assert changes.wallets[ANN, "BELL"].lots == lots
    assert len(changes.rows[0].accounts) == 2


def test_no_number_of_lots_refuses_it() -> None:
    many = [
        credit(ANN, 1, credit_id=str(day), kind="bonus", expires_at=NOW + timedelta(days=100 + day))
        for day in range(APART)
    ]
    results, changes = settle(State(), [*many, SIX], NOW)
    assert isinstance(results[-1], Done)
    assert msgspec.json.decode(changes.rows[-1].detail)["lots"] == [
        ["paid", 600],
        ["bonus@2026-06-01T00:00:00.000Z", 60],
    ]


def test_a_wallet_is_never_above_the_most() -> None:
    most = Wallet(
        customer=ANN, currency="BELL", balance=MAX_AMOUNT - 659, seq=1, lots=("paid",), remaining=(MAX_AMOUNT - 659,)
    )
    [refused], changes = settle(State(wallets={(ANN, "BELL"): most}), [SIX], NOW)
    assert isinstance(refused, Problem)
    assert refused.code == "wallet_full"
    assert not changes
