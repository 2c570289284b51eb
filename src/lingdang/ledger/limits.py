"""What a wallet cannot do: give more than it has, hold more than there may be."""

from lingdang.errors import Problem
from lingdang.ids import MAX_AMOUNT


def too_few(required: int, balance: int) -> Problem:
    """The `insufficient_bells` of whoever takes `required` from what has only `balance`."""
    return Problem("insufficient_bells", required=required, balance=balance, shortfall=required - balance)


def in_debt(debt: int) -> Problem:
    """The `wallet_in_debt` of whoever would spend while bells are owed."""
    return Problem("wallet_in_debt", debt=debt)


def too_many() -> Problem:
    """The `wallet_full` of whoever would bring a wallet above MAX_AMOUNT."""
    return Problem("wallet_full", limit=f"balance <= {MAX_AMOUNT}")
