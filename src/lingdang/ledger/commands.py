"""What can be asked of the money, and what is answered: frozen values that name no table."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

LotKind = Literal["paid", "bonus"]


class Line(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One product of an order, in whole bells. Sealed and stored as an array."""

    product_id: str
    title: str
    publisher: str | None
    list_price: int
    price: int
    discount: int

    @property
    def payable(self) -> int:
        """What it costs after its part of the discount."""
        return self.price - self.discount


class UsedVoucher(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One voucher of an order, by its own id, and what it saved. Sealed and stored as an array."""

    voucher_id: str
    saves: int


class Pay(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Take an offer's total, record the order and grant its products. Idempotent by `order_id`.

    `transfers`: how many the customer's wallets had when none of the products was owned; None when nobody knows.
    """

    cust_id: str
    session_id: UUID
    order_id: UUID
    currency: str
    lines: tuple[Line, ...]
    vouchers: tuple[UsedVoucher, ...]
    subtotal: int
    discount: int
    total: int
    expires_at: datetime
    transfers: int | None = None


class Credit(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Add bells to a wallet. Idempotent by `credit_id`; what is left of them lapses no sooner than `expires_at`."""

    cust_id: str
    credit_id: str
    currency: str
    amount: int
    kind: LotKind
    expires_at: datetime | None
    reason: str


class Expire(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Book out what has lapsed in one wallet. Every other command on the wallet does so too, first."""

    cust_id: str
    currency: str


Command = Pay | Credit | Expire


class Order(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A paid order. `balance` is the wallet's right after it, `seq` the transfer that paid it."""

    cust_id: str
    order_id: UUID
    currency: str
    seq: int
    subtotal: int
    discount: int
    total: int
    balance: int
    paid_at: datetime
    lines: tuple[Line, ...]
    vouchers: tuple[UsedVoucher, ...] = msgspec.field(name="coupons")
    """As ledger_bought names them."""


class Credited(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A booked credit. `balance` is the wallet's right after it.

    `expires_at` is what was asked, `lot` where the bells lie: its expiry is theirs (lingdang.ledger.lots).
    """

    cust_id: str
    credit_id: str
    currency: str
    seq: int
    amount: int
    kind: LotKind
    expires_at: datetime | None
    lot: str = ""
    """ledger_load leaves it out: it stands in the transfer."""
    reason: str
    balance: int
    credited_at: datetime


class Done(msgspec.Struct, frozen=True, gc=False):
    """A command's success. `replayed`: it had been done before, and this is the answer given then."""

    record: Order | Credited | None
    replayed: bool = False
