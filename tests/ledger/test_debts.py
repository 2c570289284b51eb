"""Debts: what comes in pays them in its own row, whatever it is, and only payments above 0 bells are refused."""

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from lingdang.ledger import debts
from lingdang.ledger.adjusting import Adjust
from lingdang.ledger.crediting import Credit
from lingdang.ledger.expiring import Expire
from lingdang.ledger.redeeming import Redeem
from lingdang.ledger.refunding import Refund
from lingdang.ledger.rules import Command
from support.ledger import ANN, NOW, Ledger, take_back, topup
from support.money import credit, line, pay

END = NOW + timedelta(days=9)
BONUS = "bonus@2026-05-10T12:00:00.000Z"


def adjust(amount: int) -> Adjust:
    return Adjust(customer=ANN, adjustment_id="a", currency="BELL", amount=amount, reason="R", note=None)


def redeem(amount: int) -> Redeem:
    return Redeem(customer=ANN, gift_id="g", campaign="C", currency="BELL", amount=amount, expires_at=END)


def in_debt(owed: int = 60) -> Ledger:
    """A hundred bells for money, of which so many were spent before the money went back."""
    ledger = Ledger()
    ledger.do(topup(1, 100))
    ledger.do(pay(ANN, line("a", owed), expires_at=END))
    ledger.do(take_back(1, refunded=100))
    assert (ledger.wallet().balance, ledger.wallet().debt) == (0, owed)
    return ledger


@pytest.mark.parametrize(("amount", "paid"), [(40, 40), (100, 60)])
def test_a_gift_tells_how_much_of_it_paid(amount: int, paid: int) -> None:
    record = in_debt().do(redeem(amount))
    assert (record.amount, record.debt_paid, record.balance) == (amount, paid, amount - paid)


@pytest.mark.parametrize(
    ("came", "legs"),
    [
        (credit(ANN, 100), {"clearing:paid": -100, "wallet:paid": 40, "debt": 60}),
        (topup(2, 100), {"clearing:paid": -100, "wallet:paid": 40, "debt": 60}),
        (
            topup(2, 100, 30, ends=END),
            {"clearing:paid": -100, "clearing:bonus": -30, "wallet:paid": 70, f"wallet:{BONUS}": 0, "debt": 60},
        ),
        (redeem(100), {"clearing:bonus": -100, f"wallet:{BONUS}": 40, "debt": 60}),
        (adjust(100), {"wallet:bonus": 40, "adjustment": -100, "debt": 60}),
    ],
)
def test_what_comes_in_pays_first(came: Command, legs: dict[str, int]) -> None:
    ledger = in_debt()
    record = ledger.do(came)
    assert ledger.legs() == legs
    assert ledger.wallet().debt == 0
    assert (record.balance, debts.paid_by(ledger.rows[-1])) == (sum(ledger.lots().values()), 60)
    assert debts.came(ledger.rows[-1]) == -sum(n for name, n in legs.items() if name.startswith(("clear", "adj")))


@pytest.mark.parametrize("make", [lambda n: credit(ANN, n, credit_id="c"), redeem, adjust, lambda n: topup(2, n)])
def test_less_than_is_owed_leaves_the_wallet_empty_and_owing_and_is_the_same_when_repeated(
    make: Callable[[int], Credit],
) -> None:
    ledger = in_debt()
    first, again = ledger.settle(make(59), make(59))
    assert not isinstance(again, type(None))
    assert (ledger.wallet().balance, ledger.wallet().debt, ledger.wallet().lots) == (0, 1, ())
    assert msgspec.structs.asdict(again)["replayed"]  # type: ignore[arg-type]
    assert msgspec.structs.asdict(first)["record"] == msgspec.structs.asdict(again)["record"]  # type: ignore[arg-type]
    assert ledger.refused(make(58)).code == "idempotency_mismatch"


def test_a_refund_pays_too_and_says_what_was_given_back() -> None:
    ledger = in_debt()
    paid = ledger.rows[1]
    refund = Refund(customer=ANN, order_id=paid.cause, refund_id="r", by="operator", ordered=("a",), reason="goodwill")
    record = ledger.do(refund)
    assert (record.refunded, record.balance) == (60, 0)
    assert ledger.legs() == {"wallet:paid": 0, "revenue:Penguin": -60, "debt": 60}
    assert ledger.wallet().debt == 0
    assert ledger.rights == {}


def test_only_payments_above_nothing_are_refused() -> None:
    ledger = in_debt()
    refused = ledger.refused(pay(ANN, line("b", 1), expires_at=END))
    assert (refused.code, refused.members) == ("wallet_in_debt", {"debt": 60})
    ledger.do(pay(ANN, line("c", 0), expires_at=END))
    assert (ANN, "c") in ledger.rights
    assert ledger.wallet().debt == 60
    ledger.do(Expire(customer=ANN, currency="BELL"))
    assert ledger.refused(adjust(-1)).code == "insufficient_bells"


def test_another_currency_is_not_in_debt() -> None:
    ledger = in_debt()
    ledger.do(topup(2, 50, currency="GEM"))
    ledger.do(topup(3, 30, currency="GEM"))
    assert ledger.lots("GEM") == {"paid": 80}
    gems = msgspec.structs.replace(pay(ANN, line("b", 70), expires_at=END), currency="GEM")
    ledger.do(gems)
    ledger.do(take_back(2, refunded=50))
    assert (ledger.wallet("GEM").debt, ledger.wallet("BELL").debt) == (40, 60)
    ledger.do(msgspec.structs.replace(credit(ANN, 45), currency="GEM"))
    assert (ledger.wallet("GEM").debt, ledger.wallet("GEM").balance, ledger.wallet("BELL").debt) == (0, 5, 60)


def test_a_row_without_a_debt_paid_nothing() -> None:
    ledger = in_debt()
    assert [(debts.paid_by(row), debts.came(row)) for row in ledger.rows] == [(0, 100), (0, -60), (0, -40)]
