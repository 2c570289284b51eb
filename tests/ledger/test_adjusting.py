"""Adjusting: a balance is corrected once for each adjustmentId, never below 0, and a refusal changes nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from lingdang.errors import Problem
from lingdang.ids import MAX_AMOUNT
from lingdang.ledger.adjusting import Adjust, Adjusted
from lingdang.ledger.crediting import Credit
from lingdang.ledger.done import Done
from lingdang.ledger.rules import settle
from lingdang.ledger.state import State, Wallet

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
ANN = 11
LESS = Adjust(customer=ANN, adjustment_id="a-1", currency="BELL", amount=-5, reason="R", note="N")


def changed(**fields: Any) -> Adjust:
    return msgspec.structs.replace(LESS, **fields)


def holding(**lots: int) -> State:
    wallet = Wallet(
        customer=ANN,
        currency="BELL",
        balance=sum(lots.values()),
        seq=1,
        moved_at=NOW,
        lots=tuple(lots),
        remaining=tuple(lots.values()),
    )
    return State(wallets={(ANN, "BELL"): wallet})


def done(result: object) -> Adjusted:
    assert isinstance(result, Done)
    assert isinstance(result.record, Adjusted)
    return result.record


def test_what_is_taken_comes_from_the_lots_as_a_payment_takes_them() -> None:
    [result], changes = settle(holding(bonus=3, paid=10), [LESS], NOW)
    record = done(result)
    assert (record.amount, record.balance, record.lots) == (-5, 8, [("bonus", -3), ("paid", -2)])
    [row] = changes.rows
    assert (row.kind, row.accounts, row.amounts) == (
        "adjustment",
        ["wallet:bonus", "wallet:paid", "adjustment"],
        [-3, -2, 5],
    )
    assert changes.wallets[ANN, "BELL"].lots == ("paid",)


def test_what_is_added_is_a_bonus_without_an_end() -> None:
    [result], changes = settle(State(), [changed(amount=5)], NOW)
    assert (done(result).balance, done(result).lots) == (5, [("bonus", 5)])
    [row] = changes.rows
    assert (row.accounts, row.amounts) == (["wallet:bonus", "adjustment"], [5, -5])


def test_all_can_be_taken_and_not_one_more() -> None:
    [result], changes = settle(holding(paid=5), [LESS], NOW)
    assert done(result).balance == 0
    assert changes.wallets[ANN, "BELL"].lots == ()
    [refused], nothing = settle(holding(paid=4), [LESS], NOW)
    assert isinstance(refused, Problem)
    assert (refused.code, refused.members) == ("insufficient_bells", {"required": 5, "balance": 4, "shortfall": 1})
    assert not nothing


def test_what_has_lapsed_cannot_be_taken() -> None:
    state = settle(State(), [_until(NOW + timedelta(seconds=1))], NOW)[1]
    wallet = state.wallets[ANN, "BELL"]
    later = NOW + timedelta(seconds=2)
    [refused], changes = settle(State(wallets={(ANN, "BELL"): wallet}), [LESS], later)
    assert isinstance(refused, Problem)
    assert (refused.code, refused.members["balance"]) == ("insufficient_bells", 0)
    assert [row.kind for row in changes.rows] == ["expiry"]


def _until(end: datetime) -> Credit:
    return Credit(customer=ANN, credit_id="c", currency="BELL", amount=9, kind="bonus", expires_at=end, reason="R")


def test_the_same_again_is_answered_and_changes_nothing() -> None:
    (first, again), changes = settle(holding(paid=5), [LESS, LESS], NOW)
    assert isinstance(again, Done)
    assert (again.replayed, done(again)) == (True, done(first))
    assert [row.balance for row in changes.rows] == [0]


@pytest.mark.parametrize(
    "other", [{"amount": -4}, {"currency": "GEM"}, {"reason": "Another"}, {"note": None}, {"note": "Another"}]
)
def test_one_id_is_one_adjustment(other: dict[str, Any]) -> None:
    (_, refused), changes = settle(holding(paid=9), [LESS, changed(**other)], NOW)
    assert isinstance(refused, Problem)
    assert refused.code == "idempotency_mismatch"
    assert len(changes.rows) == 1


@pytest.mark.parametrize(("balance", "code"), [(MAX_AMOUNT - 5, None), (MAX_AMOUNT - 4, "wallet_full")])
def test_a_wallet_holds_so_much_and_no_more(balance: int, code: str | None) -> None:
    [result], changes = settle(holding(paid=balance), [changed(amount=5)], NOW)
    assert (result.code if isinstance(result, Problem) else None) == code
    assert bool(changes) == (code is None)
