"""Redeeming: a gift code's bells come once, as bonus."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from lingdang.errors import Problem
from lingdang.ids import MAX_AMOUNT
from lingdang.ledger.causes import cause_of
from lingdang.ledger.redeeming import Redeem, Redeemed
from support.ledger import ANN, NOW, Ledger
from support.money import credit

END = NOW + timedelta(days=9)
GIFT = Redeem(customer=ANN, gift_id="5f7c", campaign="spring", currency="BELL", amount=30, expires_at=END)


def changed(**fields: Any) -> Redeem:
    return msgspec.structs.replace(GIFT, **fields)


def test_a_gift_is_a_bonus_with_the_codes_end() -> None:
    ledger = Ledger()
    lot = "bonus@2026-05-10T12:00:00.000Z"
    assert ledger.do(GIFT) == Redeemed(
        gift_id="5f7c",
        campaign="spring",
        currency="BELL",
        seq=1,
        amount=30,
        expires_at=END,
        lot=lot,
        balance=30,
        redeemed_at=NOW,
    )
    assert ledger.legs() == {"clearing:bonus": -30, f"wallet:{lot}": 30}
    assert ledger.rows[0].cause == cause_of(ANN, "gift", "5f7c")
    ledger.do(changed(gift_id="6", expires_at=None))
    assert ledger.lots() == {lot: 30, "bonus": 30}


def test_the_same_again_adds_nothing() -> None:
    ledger = Ledger()
    first, again = ledger.settle(GIFT, GIFT)
    assert not isinstance(first, Problem)
    assert not isinstance(again, Problem)
    assert (first.record, again.replayed) == (again.record, True)
    assert len(ledger.rows) == 1


@pytest.mark.parametrize("other", [{"amount": 31}, {"currency": "GEM"}, {"campaign": "summer"}])
def test_one_code_is_one_gift(other: dict[str, Any]) -> None:
    ledger = Ledger()
    ledger.do(GIFT)
    assert ledger.refused(changed(**other)).code == "idempotency_mismatch"


def test_a_wallet_is_never_above_the_most() -> None:
    ledger = Ledger()
    ledger.do(credit(ANN, MAX_AMOUNT - 29))
    assert ledger.refused(GIFT).code == "wallet_full"
    ledger.do(changed(amount=29))
