"""Refunds of orders: what would come back, and giving it back. The customer's own ones by the shop's policy."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from lingdang.db.pool import Pool, fetch_all, transaction
from lingdang.errors import Problem
from lingdang.ledger import store
from lingdang.ledger.lots import lot_expiry, lot_kind
from lingdang.ledger.refunding import By, Refund, Refunded
from lingdang.ledger.rules import settle
from lingdang.ledger.settlement import Settlement
from lingdang.library.orders import RefundedLine
from lingdang.owner import Owner, fetch_as
from lingdang.settings import Settings

_ORDER = """
SELECT t.bucket, t.customer, (SELECT array_agg(e.l->>0 ORDER BY e.n)
                                FROM json_array_elements(t.detail->0) WITH ORDINALITY AS e (l, n))
  FROM transfer t WHERE t.cause = %b AND t.kind = 'payment'
"""


class RefundLot(msgspec.Struct, frozen=True, rename="camel"):
    """How much went back into which `lot`: its kind, and when it lapses."""

    lot: str
    kind: str
    amount: int
    expires_at: datetime | None


class RefundAnswer(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A booked refund. What of `refunded` is in no lot lapsed at once; of what is, `debt_paid` bells paid a debt."""

    refund_id: str
    order_id: UUID
    currency: str
    refunded: int
    lines: list[RefundedLine]
    lots: list[RefundLot]
    vouchers: list[str]
    balance: int
    refunded_at: datetime
    debt_paid: int = 0


class RefundableAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """What a refund would give back now, or the reasons against it: by product, or for the whole `order`."""

    order_id: UUID
    refundable: bool
    amount: int = 0
    lines: list[RefundedLine] = []
    lots: list[RefundLot] = []
    vouchers: list[str] = []
    reasons: dict[str, str] = {}


class OrderKey(NamedTuple):
    """Where an order is, and the products in it."""

    bucket: int
    customer: int
    products: tuple[str, ...]


class Policy(msgspec.Struct, frozen=True):
    """The shop's rules of refunds, as its settings say."""

    days: int
    extend: timedelta | None
    vouchers_back: bool

    @classmethod
    def of(cls, settings: Settings) -> "Policy":
        """As configured."""
        _, _, days = settings.refund_lapsed.partition(":")
        return cls(
            settings.refund_days, timedelta(days=int(days)) if days else None, settings.refund_vouchers == "back"
        )

    @property
    def offered(self) -> bool:
        """Whether customers may refund by themselves; only then it is noted what they have opened."""
        return self.days > 0

    def command(self, by: By, place: OrderKey, order_id: UUID, refund_id: str, **asked: Any) -> Refund:
        """The command of an operator or of the customer."""
        own = by == "customer"
        return Refund(
            customer=place.customer,
            order_id=order_id,
            refund_id=refund_id,
            by=by,
            ordered=place.products,
            extend=None if own else self.extend,
            offered=not own or self.offered,
            within=timedelta(days=self.days) if own else None,
            vouchers_back=self.vouchers_back,
            **asked,
        )


async def find_order(pool: Pool, order_id: UUID) -> OrderKey:
    """Any customer's order. Raises Problem `not_found`."""
    return _place(await fetch_all(pool, _ORDER, (order_id,)))


async def find_own_order(pool: Pool, owner: Owner, order_id: UUID) -> OrderKey:
    """One of the customer's orders. Raises Problem `not_found`, for another customer's too."""
    rows = await fetch_as(pool, owner, _ORDER, (order_id,))
    return _place([row for row in rows if row[1] == owner.customer])


def _place(rows: list[tuple[Any, ...]]) -> OrderKey:
    if not rows:
        raise Problem("not_found")
    bucket, customer, products = rows[0]
    return OrderKey(bucket, customer, tuple(products))


async def refund(settlement: Settlement, command: Refund) -> tuple[RefundAnswer, bool]:
    """Book a refund, or answer as it was answered (True: a replay).

    Raises Problem `already_refunded`, `refund_not_allowed`, `not_found`, `idempotency_mismatch` or `overloaded`.
    """
    done = await settlement.submit(command)
    return _answer(done.record), done.replayed


async def refundable(pool: Pool, place: OrderKey, command: Refund, now: datetime) -> RefundableAnswer:
    """What the command would do now."""
    async with transaction(pool) as connection:
        state = await store.peek(connection, place.bucket, command)
    [result], _ = settle(state, [command], now)
    if isinstance(result, Problem):
        return RefundableAnswer(command.order_id, False, reasons=_reasons(result))
    done: Refunded = result.record
    return RefundableAnswer(command.order_id, True, done.refunded, _lines(done), _lots(done), done.vouchers)


def _reasons(problem: Problem) -> dict[str, str]:
    if problem.code == "already_refunded":
        return dict.fromkeys(problem.members["productIds"], "already_refunded")
    if problem.code != "refund_not_allowed":
        raise problem
    reasons: Mapping[str, str] = problem.members["reasons"]
    return dict(reasons)


def _lines(done: Refunded) -> list[RefundedLine]:
    return [RefundedLine(product_id, amount) for product_id, amount in done.lines]


def _lots(done: Refunded) -> list[RefundLot]:
    return [RefundLot(name, lot_kind(name), amount, lot_expiry(name)) for name, amount in done.lots]


def _answer(done: Refunded) -> RefundAnswer:
    return RefundAnswer(
        refund_id=done.refund_id,
        order_id=done.order_id,
        currency=done.currency,
        refunded=done.refunded,
        lines=_lines(done),
        lots=_lots(done),
        vouchers=done.vouchers,
        balance=done.balance,
        refunded_at=done.refunded_at,
        debt_paid=done.debt_paid,
    )


PREVIEW = ""
"""The refundId of a refund that is only asked about: one that nobody can send, so that no refund has it."""
