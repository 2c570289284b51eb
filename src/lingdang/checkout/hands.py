"""The vouchers that customers have in hand, or named, as a batch of checkouts read them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from lingdang.coupons.goods import Buyer, Voucher
from lingdang.coupons.model import Definition


class Held(msgspec.Struct, frozen=True):
    """What one customer has in hand: live vouchers first, newest first; and what vouchers ask about them.

    `live` counts their live vouchers: neither used nor expired nor withdrawn. Where there are more than are
    `looked_at`, the others are not here, nor are dead ones.
    """

    vouchers: list[Voucher]
    buyer: Buyer
    looked_at: int
    live: int


class VoucherRow(msgspec.Struct, frozen=True, array_like=True):
    """A voucher in a customer's hand, not used yet."""

    voucher_id: str
    coupon_id: str
    expires_at: datetime


class NamedRow(msgspec.Struct, frozen=True, array_like=True):
    """A voucher that its customer named."""

    customer: int
    voucher_id: str
    coupon_id: str
    expires_at: datetime
    used: bool


class CouponRow(msgspec.Struct, frozen=True, array_like=True):
    """A coupon that some of these customers hold a voucher of."""

    coupon_id: str
    status: str
    fingerprint: int


class BuyerRow(msgspec.Struct, frozen=True, array_like=True):
    """A customer who holds vouchers. `first_purchase` is only found out where a voucher asks for it."""

    customer: int
    first_purchase: bool
    groups: frozenset[str]


class HandsAnswer(msgspec.Struct, frozen=True):
    """What checkout_facts answers about vouchers, as it comes.

    `hands` are rows of each customer, newest first; `picked` are the live ones of those who have too many, with how
    many live ones they have.
    """

    hands: list[tuple[int, list[VoucherRow]]]
    picked: list[tuple[int, list[VoucherRow], int]]
    named: list[NamedRow]
    coupons: list[CouponRow]
    buyers: list[BuyerRow]


class Hands:
    """The customers' hands, and the vouchers that they named, of one batch."""

    def __init__(self, loaded: HandsAnswer, definitions: Mapping[str, Definition], now: datetime) -> None:
        self._definitions = definitions
        self._now = now
        self._status = {coupon.coupon_id: coupon.status for coupon in loaded.coupons}
        self._buyers = {row.customer: Buyer(row.first_purchase, row.groups) for row in loaded.buyers}
        picked = {customer: (rows, live) for customer, rows, live in loaded.picked}
        self.held = {customer: self._held(customer, rows, picked.get(customer)) for customer, rows in loaded.hands}
        self._named = {(row.customer, row.voucher_id): row for row in loaded.named}
        for row in loaded.named:
            self.held.setdefault(row.customer, Held([], self._buyers[row.customer], 0, 0))

    def named(self, customer: int, voucher_ids: Sequence[str]) -> dict[str, Voucher | None]:
        """Those of the vouchers that are the customer's; None for what was used."""
        if not voucher_ids:
            return {}
        rows = {i: row for i in voucher_ids if (row := self._named.get((customer, i))) is not None}
        return {i: None if row.used else self._voucher(row) for i, row in rows.items()}

    def _held(self, customer: int, rows: list[VoucherRow], picked: tuple[list[VoucherRow], int] | None) -> Held:
        buyer = self._buyers[customer]
        if picked is not None:
            vouchers = [self._voucher(row) for row in picked[0]]
            return Held(vouchers, buyer, len(vouchers), picked[1])
        vouchers = [self._voucher(row) for row in rows]
        now = self._now
        dead = [voucher for voucher in vouchers if voucher.expires_at <= now or voucher.status == "withdrawn"]
        if dead:
            gone = {voucher.voucher_id for voucher in dead}
            vouchers = [voucher for voucher in vouchers if voucher.voucher_id not in gone] + dead
        live = len(vouchers) - len(dead)
        return Held(vouchers, buyer, live, live)

    def _voucher(self, row: VoucherRow | NamedRow) -> Voucher:
        coupon_id = row.coupon_id
        return Voucher(row.voucher_id, coupon_id, self._definitions[coupon_id], row.expires_at, self._status[coupon_id])
