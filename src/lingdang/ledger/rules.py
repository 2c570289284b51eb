"""The rules of the money: pure decisions on loaded state. No I/O, no clock, no chance.

A command is one module: what it asks, its record, and `decide`, which refuses first and changes afterwards: once its
first change is made, it must succeed. What else a new one needs: docs/architecture.md#a-new-command.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from lingdang.errors import Problem
from lingdang.ledger import (
    adjusting,
    crediting,
    expiring,
    granting,
    paying,
    redeeming,
    refunding,
    reversing,
    taking_back,
    topping_up,
)
from lingdang.ledger.adjusting import Adjust
from lingdang.ledger.book import Book
from lingdang.ledger.crediting import Credit
from lingdang.ledger.done import Done
from lingdang.ledger.expiring import Expire
from lingdang.ledger.granting import Grant, Revoke
from lingdang.ledger.paying import Pay
from lingdang.ledger.redeeming import Redeem
from lingdang.ledger.refunding import Refund
from lingdang.ledger.reversing import Reverse
from lingdang.ledger.state import Changes, State
from lingdang.ledger.taking_back import TakeBack
from lingdang.ledger.topping_up import TopUp

Command = Pay | Credit | TopUp | TakeBack | Redeem | Adjust | Refund | Grant | Revoke | Expire | Reverse
Result = Done | Problem

_DECIDE: Mapping[type, Callable[[Book, Any], Result]] = {
    Pay: paying.decide,
    Credit: crediting.decide,
    TopUp: topping_up.decide,
    TakeBack: taking_back.decide,
    Redeem: redeeming.decide,
    Adjust: adjusting.decide,
    Refund: refunding.decide,
    Grant: granting.grant,
    Revoke: granting.revoke,
    Expire: expiring.decide,
    Reverse: reversing.decide,
}


def settle(state: State, commands: Sequence[Command], now: datetime) -> tuple[list[Result], Changes]:
    """Decide the commands in their order, each on what the ones before it left.

    Answers one result for each command, and what all of them together change. `state` is not altered.
    """
    book = Book(state, now)
    return [_DECIDE[type(command)](book, command) for command in commands], book.changes
