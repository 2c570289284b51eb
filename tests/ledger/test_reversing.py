"""A credit taken back whole: out of its own lot, once, and never more than the lot has."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from lingdang.errors import Problem
from lingdang.ledger.reversing import Reverse, Reversed
from lingdang.ledger.rules import settle
from lingdang.ledger.state import State, Wallet
from support.money import credit

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
ANN = 11
REVERSE = Reverse(customer=ANN, credit_id="c-1", currency="BELL", lot="paid", amount=50, reason="Undone")


def held(**lots: int) -> State:
    names, remaining = tuple(lots), tuple(lots.values())
    wallet = Wallet(
        customer=ANN, currency="BELL", balance=sum(remaining), seq=3, lots=names, remaining=remaining, moved_at=NOW
    )
    return State(wallets={(ANN, "BELL"): wallet})


def test_the_bells_leave_the_lot_and_the_clearing_account_has_them_back() -> None:
    [done], changes = settle(held(bonus=9, paid=60), [REVERSE], NOW)
    [row] = changes.rows
    assert (row.kind, row.amount, row.balance, row.seq) == ("reversal", -50, 19, 4)
    assert (row.accounts, row.amounts) == (["wallet:paid", "clearing:paid"], [-50, 50])
    wallet = changes.wallets[ANN, "BELL"]
    assert (wallet.lots, wallet.remaining, wallet.balance) == (("bonus", "paid"), (9, 10), 19)
    assert not isinstance(done, Problem)
    assert done.record == Reversed(credit_id="c-1", seq=4, balance=19, at=NOW)


def test_a_lot_that_is_empty_then_is_gone() -> None:
    _, changes = settle(held(bonus=9, paid=50), [REVERSE], NOW)
    assert changes.wallets[ANN, "BELL"].lots == ("bonus",)


def test_the_same_again_takes_nothing() -> None:
    results, changes = settle(held(paid=100), [REVERSE, REVERSE], NOW)
    assert [not isinstance(result, Problem) and result.replayed for result in results] == [False, True]
    assert changes.wallets[ANN, "BELL"].balance == 50


@pytest.mark.parametrize("lots", [{"paid": 49}, {"bonus": 100}, {}])
def test_a_lot_that_has_less_is_left(lots: dict[str, int]) -> None:
    [result], changes = settle(held(**lots), [REVERSE], NOW)
    assert isinstance(result, Problem)
    assert (result.code, result.members["balance"]) == ("insufficient_bells", lots.get("paid", 0))
    assert not changes


def test_what_has_lapsed_is_booked_out_and_not_taken_back() -> None:
    lapsing = credit(ANN, 50, credit_id="c-1", expires_at=NOW + timedelta(days=1))
    _, changes = settle(State(), [lapsing], NOW)
    [lot] = changes.wallets[ANN, "BELL"].lots
    state = State(wallets=changes.wallets)
    [result], changes = settle(state, [msgspec.structs.replace(REVERSE, lot=lot)], NOW + timedelta(days=2))
    assert isinstance(result, Problem)
    assert [row.kind for row in changes.rows] == ["expiry"]
