"""Crediting: bells come once for each creditId, and a refusal leaves the book as it was."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from lingdang.errors import Problem
from lingdang.ids import MAX_AMOUNT
from lingdang.ledger.crediting import Credit, Credited
from lingdang.ledger.done import Done
from lingdang.ledger.rules import settle
from lingdang.ledger.state import State, Wallet

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
ANN = 11
FIVE = Credit(customer=ANN, credit_id="c-1", currency="BELL", amount=5, kind="bonus", expires_at=None, reason="R")


def changed(**fields: Any) -> Credit:
    return msgspec.structs.replace(FIVE, **fields)


def test_a_credit_is_two_legs_in_the_lot_of_its_kind_and_end() -> None:
    end = NOW + timedelta(days=1)
    [result], changes = settle(State(), [changed(expires_at=end)], NOW)
    assert isinstance(result, Done)
    record = result.record
    assert isinstance(record, Credited)
    assert (record.lot, record.balance, record.expires_at) == ("bonus@2026-05-02T12:00:00.000Z", 5, end)
    [row] = changes.rows
    assert (row.accounts, row.amounts) == (["clearing:bonus", f"wallet:{record.lot}"], [-5, 5])


def test_the_same_again_is_answered_and_adds_nothing() -> None:
    results, changes = settle(State(), [FIVE, FIVE], NOW)
    first, again = results
    assert isinstance(first, Done)
    assert isinstance(again, Done)
    assert (again.replayed, again.record) == (True, first.record)
    assert [row.balance for row in changes.rows] == [5]


@pytest.mark.parametrize(
    "other",
    [
        {"amount": 6},
        {"currency": "GEM"},
        {"kind": "paid"},
        {"expires_at": NOW + timedelta(days=1)},
        {"reason": "Another"},
    ],
)
def test_one_id_is_one_credit(other: dict[str, Any]) -> None:
    (_, refused), changes = settle(State(), [FIVE, changed(**other)], NOW)
    assert isinstance(refused, Problem)
    assert refused.code == "idempotency_mismatch"
    assert len(changes.rows) == 1


def test_another_customer_may_use_the_same_id() -> None:
    _, changes = settle(State(), [FIVE, changed(customer=22)], NOW)
    assert [(row.customer, row.balance) for row in changes.rows] == [(11, 5), (22, 5)]


@pytest.mark.parametrize("end", [NOW, NOW - timedelta(days=1)])
def test_what_would_lapse_at_once_is_refused(end: datetime) -> None:
    [refused], changes = settle(State(), [changed(expires_at=end)], NOW)
    assert isinstance(refused, Problem)
    assert (refused.code, refused.members["errors"][0]["field"]) == ("invalid_request", "expires_at")
    assert not changes


@pytest.mark.parametrize(("balance", "code"), [(MAX_AMOUNT - 5, None), (MAX_AMOUNT - 4, "wallet_full")])
def test_a_wallet_holds_so_much_and_no_more(balance: int, code: str | None) -> None:
    wallet = Wallet(customer=ANN, currency="BELL", balance=balance, seq=1, lots=("paid",), remaining=(balance,))
    [result], changes = settle(State(wallets={(ANN, "BELL"): wallet}), [FIVE], NOW)
    assert (result.code if isinstance(result, Problem) else None) == code
    assert bool(changes) == (code is None)
