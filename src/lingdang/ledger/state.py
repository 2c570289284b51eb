"""What a batch is decided on, and what it changes: the values between the rules and the store."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec


class Wallet(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """One customer's bells of one currency. `lots` are in the order in which they are spent.

    balance = Σ remaining; `seq` and `moved_at` are those of the wallet's newest row; `next_expiry` is the soonest
    of its lots'. `place` is where the store read it, and means nothing to anybody else. `debt` is what is owed, above 0
    only while the balance is 0 (lingdang.ledger.debts).
    """

    customer: int
    currency: str
    balance: int = 0
    seq: int = 0
    moved_at: datetime | None = None
    lots: tuple[str, ...] = ()
    remaining: tuple[int, ...] = ()
    next_expiry: datetime | None = None
    place: str | None = None
    debt: int = 0


class Row(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """One row of the journal: `amounts` belong to `accounts` one by one and sum to zero.

    An account that is a number is the revenue of that line's publisher, counted from 0: the name stands in the order.
    `detail` is JSON in the shape of its kind.
    """

    customer: int
    currency: str
    seq: int
    kind: str
    amount: int
    balance: int
    at: datetime
    accounts: Sequence[str | int]
    amounts: list[int]
    cause: UUID
    detail: msgspec.Raw


class State(msgspec.Struct, kw_only=True):
    """What was loaded under the customers' locks. The sets and maps hold only what is out of the ordinary.

    Customers are named by their keys. `rights` has, by (customer, productId), the row that granted the right; `opened`
    are those that were used. `refunds` are the rows of earlier refunds, by the orders that are asked about; `credited`
    those of lingdang.ledger.left since the top-ups that are, in the order of each customer's `seq`. `unusable`
    tells why a voucher, by (customer, voucherId), cannot be used: `not_held`, `used`, `withdrawn`, `expired`
    or `not_first_purchase`. Those in `first_purchase` can be used until the customer has an order above 0 bells.
    """

    wallets: dict[tuple[int, str], Wallet] = {}
    ended_sessions: set[UUID] = set()
    rows: list[Row] = []
    rights: dict[tuple[int, str], int] = {}
    opened: set[tuple[int, str]] = set()
    refunds: dict[UUID, list[Row]] = {}
    credited: list[Row] = []
    unavailable: set[str] = set()
    unusable: dict[tuple[int, str], str] = {}
    first_purchase: set[tuple[int, str]] = set()


class Right(msgspec.Struct, frozen=True, gc=False):
    """The right to a product, by the row that granted it. `unopened`: it must not have been used."""

    customer: int
    product_id: str
    granted_by: int
    unopened: bool = False


class Use(msgspec.Struct, frozen=True, gc=False):
    """A voucher that an order used up, or, where `saves` is None, gives back."""

    customer: int
    voucher_id: str
    order_id: UUID
    saves: int | None


class Changes(msgspec.Struct):
    """What a batch writes. `wallets` are final states, `before` the `seq` they had; the rest is added.

    `granted` has the products of each of `rows` to which it grants a right that the batch has not revoked again.
    """

    now: datetime
    wallets: dict[tuple[int, str], Wallet] = {}
    before: dict[tuple[int, str], int] = {}
    rows: list[Row] = []
    granted: list[list[str]] = []
    revoked: list[Right] = []
    used: list[Use] = []

    def __bool__(self) -> bool:
        return bool(self.rows)
