"""What a plan goes on with: orders are paid, given back in every way, and bought again. Drawn apart from the rest."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from proof.simulation.drawing import Drawing
from proof.simulation.plan import (
    Action,
    Deposit,
    Fault,
    Grant,
    Jump,
    Lapse,
    Open,
    Payment,
    Plan,
    Quote,
    Refund,
    RefundPolicy,
    Revocation,
    Shelf,
    Step,
    Trouble,
)

REASONS = ("customer_request", "duplicate", "defective", "not_as_described", "fraud", "goodwill", "other")
START = 20_000
"""Seconds from the beginning at which orders are paid, where bells are to lapse afterwards."""
ENDS = (START + 100, START + 300, START + 600)
ANY = -1
"""Any customer, or any book."""


def with_returns(plan: Plan) -> Plan:
    """The plan, with a policy of refunds, and with waves of refunds after its own."""
    return _Returns(plan).drawn()


@dataclass
class _Bought:
    """An offer that may be paid, given back and made again."""

    quote: Quote
    payment: Payment


class _Returns(Drawing):
    def __init__(self, plan: Plan) -> None:
        super().__init__(plan, "returns")
        self._bought = [_Bought(quote, self._payment(quote.slot)) for quote in self._quotes_before]
        self._deposits = 0
        self._given: list[Refund | Grant | Revocation] = []
        self._next: list[Step] = []
        """What the next wave begins with."""
        self._lapsing = self._random.random() < 0.5
        self._actions: list[tuple[float, Callable[[], Action | Sequence[Step]]]] = [
            (7, self._refund),
            (2, self._given_again),
            (2, self._pay_again),
            (2, self._open),
            (3, self._buy_again),
            (2, self._opened_or_given_back),
            (1, self._quote),
            (1, self._deposit),
            (1, self._lapse),
            (1, self._grant),
            (1, self._revocation),
            (1, self._trouble),
            (1, self._jump),
            (0.5, self._kill),
        ]

    def drawn(self) -> Plan:
        random = self._random
        policy = RefundPolicy(
            days=random.choice((0, 1, 1, 1)),
            extend_days=random.choice((None, 1, 30)),
            vouchers_back=random.random() < 0.75,
        )
        waves = [self._credits(), self._quotes(), self._payments()]
        waves += [self._wave() for _ in range(random.randint(2, 4))]
        if random.random() < 0.4:
            waves.append((Step(Jump(by=timedelta(days=1, seconds=1)), 0), Step(self._refund(), 1), *self._wave()))
        waves.append(tuple(self._next))
        return replace(self._plan, policy=policy, waves=(*self._plan.waves, *waves))

    # What there is to give back

    def _credits(self) -> tuple[Step, ...]:
        """Bells of several kinds and ends, and books on sale."""
        steps = [Step(Jump(seconds=START), 0)] if self._lapsing else []
        steps += [Step(Shelf(book, active=True), 1) for book in range(len(self._plan.books))]
        for customer in range(len(self._plan.customers)):
            steps += [Step(self._deposit(customer), 1) for _ in range(self._random.randint(1, 4))]
        return tuple(steps)

    def _quotes(self) -> tuple[Step, ...]:
        return tuple(Step(self._quote(), 0) for _ in range(self._random.randint(2, 5)))

    def _payments(self) -> tuple[Step, ...]:
        """Those that were just offered are paid."""
        steps, self._next = self._next, []
        return tuple(steps)

    def _wave(self) -> tuple[Step, ...]:
        steps, self._next = self._next, []
        weights = [weight for weight, _ in self._actions]
        for _ in range(self._random.randint(2, 6)):
            [(_, draw)] = self._random.choices(self._actions, weights)
            made = draw()
            if isinstance(made, Sequence):
                steps += made
            else:
                steps.append(Step(made, self._random.choice((0, 0, 0, 1, 3, 10, 40))))
        return tuple(steps)

    # Buying

    def _deposit(self, customer: int = ANY) -> Deposit:
        random = self._random
        self._deposits += 1
        return Deposit(
            customer=self._customer() if customer == ANY else customer,
            credit_id=f"e{self._deposits}",
            amount=random.choice((30, 50, 100, 300, 1000)),
            kind=random.choice(("paid", "bonus")),
            lapses=random.choice((None, *ENDS)) if self._lapsing else None,
            routes=self._routes(),
            currency=random.choice(self._plan.books).currency,
        )

    def _quote(self) -> Quote:
        random = self._random
        plan = self._plan
        books = random.sample(range(len(plan.books)), random.choice((1, 2, 2, 3)))
        currency = plan.books[books[0]].currency
        return self._offered(
            Quote(
                slot=self._slot(),
                customer=self._customer(),
                session=random.choice((0, 1)),
                books=tuple(book for book in books if plan.books[book].currency == currency),
                code=random.randrange(len(plan.coupons)) if plan.coupons and random.random() < 0.5 else None,
                vouchers=random.random() < 0.7,
                route=self._route(),
            )
        )

    def _buy_again(self) -> Quote:
        """The books of an earlier offer once more, all or some of them."""
        old = self._random.choice(self._bought).quote
        books = old.books if self._random.random() < 0.6 else old.books[:1]
        return self._offered(replace(old, slot=self._slot(), books=books, code=None, route=self._route()))

    def _offered(self, quote: Quote) -> Quote:
        """It is paid in the next wave."""
        payment = self._payment(quote.slot)
        self._bought.append(_Bought(quote, payment))
        self._next.append(Step(payment, self._random.choice((0, 0, 3, 10))))
        return quote

    def _pay_again(self) -> Payment:
        return replace(self._some().payment, routes=self._routes())

    # Giving back

    def _refund(self) -> Refund:
        """Whole or by line, by an operator or by the customer; rarely by a stranger, or with another book."""
        random = self._random
        bought = self._some()
        books: tuple[int, ...] | None = None
        if random.random() < 0.55:
            books = tuple(random.sample(bought.quote.books, random.randint(1, len(bought.quote.books))))
        elif random.random() < 0.1:
            books = (random.randrange(len(self._plan.books)),)
        own = random.random() < 0.4
        customer = bought.quote.customer if random.random() < 0.95 else self._customer()
        refund = Refund(
            slot=bought.quote.slot,
            refund_id=f"r{len(self._given)}",
            customer=customer if own else None,
            session=random.choice((0, 1)),
            books=books,
            keep_discount=not own and books is not None and random.random() < 0.6,
            reason=random.choice(REASONS),
            note=None if own else random.choice((None, "seen")),
            patience=random.choice((1, 4, 15)) if random.random() < 0.08 else None,
            routes=self._routes(),
        )
        self._given.append(refund)
        return refund

    def _given_again(self) -> Refund | Grant | Revocation:
        """What was sent before, as it was or with other content; a refund also by the other side."""
        if not self._given:
            return self._refund()
        old = replace(self._random.choice(self._given), routes=self._routes())
        other = self._random.random()
        if not isinstance(old, Refund):
            return replace(old, reason="another") if other < 0.3 else old
        if other < 0.25:
            owner = self._bought[old.slot].quote.customer
            return replace(old, customer=owner if old.customer is None else None, note=None, keep_discount=False)
        if other < 0.4:
            return replace(old, reason=self._random.choice(REASONS))
        return replace(old, books=None) if other < 0.5 else old

    def _open(self, slot: int | None = None) -> Open:
        """A right is used; of any book, or of one of an offer."""
        random = self._random
        if slot is None and random.random() < 0.3:
            return Open(self._customer(), random.randrange(len(self._plan.books)), random.choice((0, 1)), self._route())
        quote = self._bought[slot].quote if slot is not None else self._some().quote
        return Open(quote.customer, random.choice(quote.books), random.choice((0, 1)), self._route())

    def _opened_or_given_back(self) -> list[Step]:
        """A right is used while the refund of its order has been decided and not yet written."""
        bought = self._some()
        worker = self._worker()
        refund = replace(self._refund(), slot=bought.quote.slot, customer=bought.quote.customer, books=None)
        refund = replace(refund, note=None, keep_discount=False, routes=((worker,),))
        self._given[-1] = refund
        return [
            Step(Trouble(worker, "settlement", Fault("slow", 10), 1), 0),
            Step(refund, 0),
            Step(self._open(bought.quote.slot), self._random.choice((0, 10, 40, 80))),
        ]

    def _grant(self) -> Grant:
        book = self._random.randrange(len(self._plan.books))
        grant = Grant(self._customer(), f"g{len(self._given)}", book, "a gift", self._routes())
        self._given.append(grant)
        return grant

    def _revocation(self) -> Revocation:
        """Mostly of a right that was granted."""
        grants = [given for given in self._given if isinstance(given, Grant)]
        customer, book = self._customer(), self._random.randrange(len(self._plan.books))
        if grants and self._random.random() < 0.8:
            old = self._random.choice(grants)
            customer, book = old.customer, old.book
        revocation = Revocation(customer, f"v{len(self._given)}", book, "a mistake", self._routes())
        self._given.append(revocation)
        return revocation

    # The world

    def _lapse(self) -> Lapse:
        return Lapse(self._customer(), self._route(), self._random.choice(self._plan.books).currency)

    def _jump(self) -> Jump:
        if self._lapsing:
            return Jump(seconds=self._random.choice(ENDS), off=self._random.choice((-1, 0, 0)))
        return Jump(by=timedelta(seconds=self._random.choice((1, 30))))

    def _some(self) -> _Bought:
        """One of the offers, mostly a late one."""
        first, second = self._random.choices(range(len(self._bought)), k=2)
        return self._bought[max(first, second)]
