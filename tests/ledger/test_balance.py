"""What a wallet is worth at a moment: what has lapsed is not counted, booked out or not."""

from datetime import UTC, datetime, timedelta

import pytest

from lingdang.ledger.balance import live_lots, spendable
from lingdang.ledger.lots import lot_name
from lingdang.ledger.state import Wallet

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
SOON, LATER = NOW + timedelta(seconds=1), NOW + timedelta(days=1)
WALLET = Wallet(
    customer=11,
    currency="BELL",
    balance=16,
    lots=(lot_name("bonus", SOON), lot_name("paid", LATER), "paid"),
    remaining=(1, 5, 10),
    next_expiry=SOON,
)


@pytest.mark.parametrize(
    ("moment", "worth"),
    [
        (NOW, 16),
        (SOON - timedelta(microseconds=1), 16),
        (SOON, 15),
        (LATER - timedelta(microseconds=1), 15),
        (LATER, 10),
        (LATER + timedelta(days=9999), 10),
    ],
)
def test_bells_are_there_until_their_end(moment: datetime, worth: int) -> None:
    assert spendable(WALLET, moment) == worth
    assert all(live_lots(WALLET, moment)[1])


def test_a_wallet_of_nothing() -> None:
    assert spendable(Wallet(customer=11, currency="BELL"), NOW) == 0
