"""What a wallet is worth at a moment, for those who only look."""

from datetime import datetime

from lingdang.ledger import lots
from lingdang.ledger.state import Wallet


def live_lots(wallet: Wallet, now: datetime) -> lots.Lots:
    """The lots without those that have lapsed by `now` and are not yet booked out."""
    held = (wallet.lots, wallet.remaining)
    if wallet.next_expiry is None or wallet.next_expiry > now:
        return held
    return lots.lapse(held, now)[0]


def spendable(wallet: Wallet, now: datetime) -> int:
    """The bells that a payment at `now` could take."""
    return sum(live_lots(wallet, now)[1])
