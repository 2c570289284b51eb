"""Debts: bells that a top-up gave, that were spent, and that its money took back. A wallet in debt is empty.

Whatever comes in enters in full and pays what is owed in the same row of the journal: its legs in the wallet are
lowered by what goes to the account `debt`, in the order in which a payment would take them.
"""

from collections.abc import Sequence
from typing import NamedTuple

from lingdang.ledger import lots
from lingdang.ledger.state import Row

ACCOUNT = "debt"


class Entered(NamedTuple):
    """What came into a wallet in debt, after it was paid: what is held, the row's legs, how much was paid."""

    held: lots.Lots
    accounts: Sequence[str | int]
    amounts: list[int]
    paid: int


def pay(debt: int, held: lots.Lots, accounts: Sequence[str | int], amounts: list[int]) -> Entered:
    """Pay `debt`, or as much of it as the row brings: all that is held came with it, for the wallet was empty.

    A leg that is lowered to nothing stays: it tells where the bells came in.
    """
    kept, gone = lots.take(held, min(debt, sum(held[1])))
    lowered = {lots.account_of(name): amount for name, amount in zip(*gone, strict=True)}
    paid = sum(gone[1])
    legs = [amount - lowered.get(str(account), 0) for account, amount in zip(accounts, amounts, strict=True)]
    return Entered(kept, [*accounts, ACCOUNT], [*legs, paid], paid)


def paid_by(row: Row) -> int:
    """How many of the bells that a row brought have paid a debt."""
    if ACCOUNT not in row.accounts:
        return 0
    return max(0, row.amounts[row.accounts.index(ACCOUNT)])


def added_by(row: Row) -> int:
    """How many bells a row left owing."""
    if ACCOUNT not in row.accounts:
        return 0
    return max(0, -row.amounts[row.accounts.index(ACCOUNT)])


def came(row: Row) -> int:
    """How many bells a row brought, those that paid a debt with them; below 0, how many it took."""
    return row.amount + paid_by(row)
