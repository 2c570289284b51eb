"""Taking back: bells follow the money of their top-up that a provider gave back, and are frozen while it is disputed.

The command tells how things stand at the provider, not what happened: it posts whatever rows lead there from where the
journal stands, and none when it is there. So a message that comes twice, late or never does no harm.
"""

from collections.abc import Iterable
from typing import ClassVar
from uuid import UUID

import msgspec

from lingdang.errors import Problem
from lingdang.ledger import left, lots, taken, topping_up
from lingdang.ledger.book import Book
from lingdang.ledger.causes import cause_of
from lingdang.ledger.debts import ACCOUNT as DEBT
from lingdang.ledger.done import Done
from lingdang.ledger.left import Credit, Lotted
from lingdang.ledger.topping_up import ToppedUp, topup_cause

Parts = list[tuple[str, int]]


class TakeBack(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Take back and freeze what a top-up's money tells. `refunded` and `disputed` are cumulative, in minor units.

    `refunded` includes what lost disputes took, `disputed` is what open ones hold now. As many of the top-up's bells,
    paid and bonus alike, as of its price; what a dispute holds is frozen as far as it is left.
    """

    customer: int
    topup_id: UUID
    refunded: int
    disputed: int
    reason: str
    left_only: bool = False
    """Refuse to take more of the credit than is left of it: then others' bells would go, or be owed."""
    rights: ClassVar[tuple[str, ...]] = ()
    order: ClassVar[None] = None

    @property
    def cause(self) -> UUID:
        """By what the top-up's row in the journal is found."""
        return topup_cause(self.customer, self.topup_id)


class TakenBack(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How a top-up stands: bells that are taken back and frozen of it, and its wallet's balance and debt."""

    topup_id: UUID
    currency: str
    taken: int
    frozen: int
    balance: int
    debt: int


def decide(book: Book, command: TakeBack) -> Done | Problem:
    """Refuse where there was no such top-up, or post the rows that lead to where the provider stands."""
    booked = book.row(command.customer, command.cause)
    if booked is None:
        return Problem("not_found")
    case = _Case(book, command, topping_up.read(booked))
    before = case.credit.rows
    if command.left_only and not case.is_left():
        return Problem("refund_not_allowed", reasons={"topup": "nothing_left"})
    case.settle()
    return Done(case.record(), replayed=case.credit.rows == before)


class _Case:
    """One top-up while its command is decided. `credit` and what is held are read anew after each row."""

    def __init__(self, book: Book, command: TakeBack, topup: ToppedUp) -> None:
        self._book = book
        self._command = command
        self._topup = topup
        self._look()

    def _look(self) -> None:
        topup, book = self._topup, self._book
        self.wallet = book.wallet(topup.customer, topup.currency)
        self._credits = left.credits_of(book.credited(topup.customer, topup.currency, topup.seq))
        self.credit: Credit = self._credits[left.topup_key(str(topup.topup_id))]

    def record(self) -> TakenBack:
        """How it stands now."""
        return TakenBack(
            topup_id=self._topup.topup_id,
            currency=self._topup.currency,
            taken=_sum(self.credit.taken),
            frozen=_sum(self.credit.frozen),
            balance=self.wallet.balance,
            debt=self.wallet.debt,
        )

    def is_left(self) -> bool:
        """Whether what is to be taken is left of the credit itself."""
        more = self._bells_of(self._command.refunded) - _sum(self.credit.taken)
        return more <= _sum(self._left())

    def settle(self) -> None:
        """First what was taken, then what is frozen of the rest."""
        refunded = self._bells_of(self._command.refunded)
        more = refunded - _sum(self.credit.taken)
        if more > 0:
            self._take(more)
        elif more < 0:
            self._give_back(-more)
        disputed = min(self._bells_of(self._command.disputed), self._topup.paid + self._topup.bonus - refunded)
        more = disputed - _sum(self.credit.frozen)
        if more > 0:
            self._freeze(more)
        elif more < 0:
            self._release(-more)

    def _bells_of(self, money: int) -> int:
        """As many of the bells as of the price, rounded down."""
        price = self._topup.price.amount
        return (self._topup.paid + self._topup.bonus) * min(money, price) // price if price else 0

    def _left(self) -> Lotted:
        return left.left(self._credits.values(), self.credit, (self.wallet.lots, self.wallet.remaining))

    def _take(self, amount: int) -> None:
        """What is frozen, what is left of the credit, what else there is, paid bells first; the rest is owed."""
        thawed = _upto(self.credit.frozen, self.credit.lots, amount)
        own = _upto(self._left(), self.credit.lots, amount - _total(thawed))
        held = _without((self.wallet.lots, self.wallet.remaining), own)
        missing = amount - _total(thawed) - _total(own)
        others = _upto(dict(zip(*held, strict=True)), sorted(held[0], key=lots.taking_order), missing)
        held = _without(held, others)
        owed = missing - _total(others)
        room = {lot: self.credit.effective(lot) for lot in self.credit.lots}
        of = _joined(thawed, own, _upto(_less(room, own), self.credit.lots, missing))
        gone = _joined(own, others)
        legs = [(taken.FROZEN, -_total(thawed)), *((lots.account_of(lot), -part) for lot, part in gone), (DEBT, -owed)]
        self._post(taken.TAKEBACK, held, -_total(gone), [*legs, *_cleared(of, 1)], of, thawed, owed)

    def _give_back(self, amount: int) -> None:
        """Into the credit's own lots, what was taken last first. A lot whose end is past lapses as any does."""
        of = _upto(self.credit.taken, reversed(self.credit.lots), amount)
        self._come_back(taken.GIVEBACK, of, _cleared(of, -1))

    def _freeze(self, amount: int) -> None:
        of = _upto(self._left(), self.credit.lots, amount)
        if of:
            held = _without((self.wallet.lots, self.wallet.remaining), of)
            legs = [*((lots.account_of(lot), -part) for lot, part in of), (taken.FROZEN, _total(of))]
            self._post(taken.FREEZE, held, -_total(of), legs, of)

    def _release(self, amount: int) -> None:
        of = _upto(self.credit.frozen, reversed(self.credit.lots), amount)
        self._come_back(taken.RELEASE, of, [(taken.FROZEN, -_total(of))])

    def _come_back(self, kind: str, of: Parts, source: Parts) -> None:
        held = (self.wallet.lots, self.wallet.remaining)
        for lot, part in of:
            held = lots.add(held, lot, part)
        self._post(kind, held, _total(of), [*source, *((lots.account_of(lot), part) for lot, part in of)], of)

    def _post(
        self,
        kind: str,
        held: lots.Lots,
        amount: int,
        legs: Parts,
        of: Parts,
        thawed: Parts | None = None,
        owed: int = 0,
    ) -> None:
        command = self._command
        detail = taken.Detail(
            topup_id=command.topup_id,
            number=self.credit.rows,
            of=of,
            refunded=command.refunded,
            disputed=command.disputed,
            reason=command.reason,
            thawed=thawed or [],
        )
        cause = cause_of(command.customer, kind, f"{command.topup_id} {self.credit.rows}")
        there = [(account, part) for account, part in legs if part]
        accounts, amounts = [account for account, _ in there], [part for _, part in there]
        raw = msgspec.Raw(taken.encode(detail))
        self._book.post(self.wallet, held, amount, kind, cause, accounts, amounts, raw, owed)
        self._look()


def _upto(there: Lotted, order: Iterable[str], amount: int) -> Parts:
    """Of what is there, `amount` or as much as there is, in this order of the lots."""
    found: Parts = []
    for lot in order:
        part = min(there.get(lot, 0), amount)
        if part > 0:
            found.append((lot, part))
            amount -= part
    return found


def _without(held: lots.Lots, parts: Parts) -> lots.Lots:
    kept = {lot: amount for lot, amount in _less(dict(zip(*held, strict=True)), parts).items() if amount}
    return tuple(kept), tuple(kept.values())


def _less(there: Lotted, parts: Parts) -> Lotted:
    gone = dict(parts)
    return {lot: amount - gone.get(lot, 0) for lot, amount in there.items()}


def _joined(*several: Parts) -> Parts:
    """The parts together, each lot once."""
    sums: Lotted = {}
    for parts in several:
        for lot, part in parts:
            sums[lot] = sums.get(lot, 0) + part
    return list(sums.items())


def _cleared(of: Parts, sign: int) -> Parts:
    """The clearing account of each kind of bells."""
    return _joined([(f"clearing:{lots.lot_kind(lot)}", sign * part) for lot, part in of])


def _total(parts: Parts) -> int:
    return sum([part for _, part in parts])


def _sum(there: Lotted) -> int:
    return sum(there.values())
