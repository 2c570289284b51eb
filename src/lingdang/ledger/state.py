"""What a batch is decided on, and what it changes: the values between the rules and the store."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from lingdang.ledger.commands import Credited, Order


class Wallet(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """One customer's bells of one currency. `lots` are in the order in which they are spent.

    balance = Σ remaining; `seq` counts the wallet's transfers; `next_expiry` is the soonest of its lots'. `place` is
    where the store read it, and means nothing to anybody else.
    """

    customer_id: str
    currency: str
    balance: int = 0
    seq: int = 0
    lots: tuple[str, ...] = ()
    remaining: tuple[int, ...] = ()
    next_expiry: datetime | None = None
    place: str | None = None


class Transfer(msgspec.Struct, frozen=True, gc=False):
    """One journal row: `amounts` belong to `accounts` one by one and sum to zero.

    An account that is a number is the revenue of that line's publisher, counted from 0: the name stands in the order.
    Its cause is an order, which is part of it, or what `reference` names.
    """

    customer_id: str
    currency: str
    seq: int
    kind: str
    reference: str | None
    amount: int
    balance: int
    accounts: Sequence[str | int]
    amounts: list[int]
    order: Order | None = None


class State(msgspec.Struct, kw_only=True):
    """What was loaded under the wallets' locks. The sets and maps hold only what is out of the ordinary.

    Customers are named by custId, orders by (custId, orderId), credits by (custId, creditId); `unusable` tells why a
    voucher, by (custId, voucherId), cannot be used: `not_held`, `used`, `withdrawn`, `expired` or `not_first_purchase`.
    Those in `first_purchase` can be used until the customer has an order above 0 bells.
    """

    wallets: dict[tuple[str, str], Wallet] = {}
    ended_sessions: set[UUID] = set()
    orders: dict[tuple[str, UUID], Order] = {}
    credits: dict[tuple[str, str], Credited] = {}
    owned: set[tuple[str, str]] = set()
    unavailable: set[str] = set()
    unusable: dict[tuple[str, str], str] = {}
    first_purchase: set[tuple[str, str]] = set()


class Changes(msgspec.Struct):
    """What a batch writes. `wallets` are final states, `before` the `seq` they had; the rest is added."""

    now: datetime
    wallets: dict[tuple[str, str], Wallet] = {}
    before: dict[tuple[str, str], int] = {}
    transfers: list[Transfer] = []
    credits: list[Credited] = []

    @property
    def orders(self) -> list[Order]:
        """The orders among the transfers."""
        return [transfer.order for transfer in self.transfers if transfer.order is not None]

    def __bool__(self) -> bool:
        return bool(self.transfers)
