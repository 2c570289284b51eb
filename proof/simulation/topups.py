"""A story of money that comes and goes back: top-ups, take-backs, debts, disputes, and gift codes."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from proof.simulation.drawing import LATE, Drawing
from proof.simulation.plan import (
    Action,
    Adjustment,
    Deposit,
    GiftCode,
    Jump,
    Lapse,
    Plan,
    Quote,
    Redemption,
    Refund,
    Step,
    TakeBack,
    TopUp,
    Waves,
)

ENDS = (LATE + 100, LATE + 300, LATE + 600)
PRICES = (1, 7, 100, 600)
EMPTYING = (1000, 500, 200, 100, 30, 10)
"""Taken one after the other as far as they are there: little is left of most wallets."""


def with_topups(plan: Plan) -> tuple[Plan, Waves]:
    """The plan, with gift codes, and the story's waves."""
    return _Topups(plan).told()


class _Topups(Drawing):
    def __init__(self, plan: Plan) -> None:
        super().__init__(plan, "topups")
        self._who = self._random.sample(range(len(plan.customers)), 2)
        """Few, so that what happens to a wallet happens at the same time."""
        self._codes = tuple(self._code(number) for number in range(self._random.randint(2, 3)))
        self._topups: list[TopUp] = []
        self._told: list[TakeBack] = []
        self._offered: list[int] = []
        self._given_back = 0
        self._credited = 0
        self._emptied = 0
        self._actions: list[tuple[float, Callable[[], Action | Sequence[Action]]]] = [
            (5, self._takeback),
            (2, self._takeback_again),
            (1, self._taken_and_given),
            (1, self._owed),
            (1, self._topup),
            (1, self._topup_again),
            (1, self._redemption),
            (1, self._fought_over),
            (2, self._paid),
            (1, self._refund),
            (1, self._deposit),
            (1, self._lapse),
            (1, self._jump),
            (1, self._trouble),
            (0.5, self._kill),
        ]

    def told(self) -> tuple[Plan, Waves]:
        opening = [self._topup(customer) for customer in self._who for _ in range(self._random.randint(1, 2))]
        offered = [self._quote(customer) for customer in self._who for _ in range(self._random.randint(1, 2))]
        spent = [Step(self._payment(slot), self._random.choice((0, 0, 3))) for slot in self._offered]
        waves = (
            (*(Step(topup, 0) for topup in opening), *(Step(quote, 0) for quote in offered)),
            (*spent, *self._wave(1)),
            *(self._wave(self._random.randint(3, 6)) for _ in range(self._random.randint(2, 3))),
        )
        return replace(self._plan, codes=(*self._plan.codes, *self._codes)), waves

    def _wave(self, count: int) -> tuple[Step, ...]:
        steps: list[Step] = []
        weights = [weight for weight, _ in self._actions]
        for _ in range(count):
            [(_, draw)] = self._random.choices(self._actions, weights)
            made = draw()
            for action in made if isinstance(made, Sequence) else [made]:
                steps.append(Step(action, self._random.choice((0, 0, 0, 1, 3, 10, 40))))
        return tuple(steps)

    # Money that comes

    def _topup(self, customer: int | None = None) -> TopUp:
        random = self._random
        topup = TopUp(
            customer=random.choice(self._who) if customer is None else customer,
            name=f"t{len(self._topups)}",
            paid=random.choice((1, 30, 100, 300)),
            bonus=random.choice((0, 0, 10, 33)),
            lapses=random.choice((None, *ENDS)),
            price=random.choice(PRICES),
            test=random.random() < 0.1,
            routes=self._routes(),
            currency=random.choice(self._plan.books).currency,
        )
        self._topups.append(topup)
        return topup

    def _topup_again(self) -> TopUp:
        """As it was, or its id used for another one."""
        old = replace(self._random.choice(self._topups), routes=self._routes())
        other = self._random.random()
        if other < 0.15:
            return replace(old, paid=old.paid + 1)
        return replace(old, price=old.price + 1) if other < 0.3 else old

    def _code(self, number: int) -> GiftCode:
        campaign = f"{self._plan.prefix}-{number}"
        amount = self._random.choice((5, 50, 200))
        return GiftCode(
            campaign, amount, self._random.choice((None, *ENDS)), self._random.choice(self._plan.books).currency
        )

    def _redemption(self) -> Redemption:
        first = len(self._plan.codes)
        code = self._random.randrange(first, first + len(self._codes))
        return Redemption(self._random.choice(self._who), code, self._routes())

    def _fought_over(self) -> list[Redemption]:
        """One code, redeemed by both at the same moment."""
        first = self._redemption()
        return [replace(first, customer=customer, routes=self._routes()) for customer in self._who]

    def _deposit(self) -> Deposit:
        """What may pay a debt."""
        self._credited += 1
        random = self._random
        return Deposit(
            customer=random.choice(self._who),
            credit_id=f"t{self._credited}",
            amount=random.choice((10, 50, 300)),
            kind=random.choice(("paid", "bonus")),
            lapses=random.choice((None, *ENDS)),
            routes=self._routes(),
            currency=random.choice(self._plan.books).currency,
        )

    # Money that goes back

    def _takeback(self, topup: TopUp | None = None) -> TakeBack:
        """Nothing, some or all of the money went back, or more than there was; some of the rest may be disputed."""
        random = self._random
        of = random.choice(self._topups) if topup is None else topup
        refunded = random.choice((0, of.price // 3, of.price // 2, of.price - 1, of.price, of.price, of.price + 5))
        disputed = random.choice((0, 0, of.price // 2, of.price))
        takeback = TakeBack(of.customer, of.name, refunded, disputed, self._routes())
        self._told.append(takeback)
        return takeback

    def _takeback_again(self) -> TakeBack:
        """What was told before comes again, and may be older than what is known."""
        return replace(self._random.choice(self._told), routes=self._routes()) if self._told else self._takeback()

    def _taken_and_given(self) -> list[TakeBack]:
        """All of the money goes back, and some of it comes again at the same moment."""
        first = self._takeback()
        [topup] = [each for each in self._topups if each.name == first.name]
        return [replace(first, refunded=topup.price, disputed=0), self._takeback(topup)]

    def _owed(self) -> list[Action]:
        """A wallet is all but emptied, and then the money of a top-up goes back, while an order is to be paid."""
        topup = self._random.choice(self._topups)
        taken = [self._emptying(topup, amount) for amount in EMPTYING]
        back = replace(self._takeback(topup), refunded=topup.price)
        return [*taken, back, *([self._paid()] if self._random.random() < 0.5 else [self._deposit()])]

    def _emptying(self, topup: TopUp, amount: int) -> Adjustment:
        self._emptied += 1
        route = (self._worker(),)
        name = f"t{self._emptied}"
        return Adjustment(topup.customer, name, -amount, "simulated", None, (route,), topup.currency)

    # Money that is spent

    def _quote(self, customer: int) -> Quote:
        book = self._random.randrange(len(self._plan.books))
        quote = Quote(self._slot(), customer, self._session(customer), (book,), None, True, self._route())
        self._offered.append(quote.slot)
        return quote

    def _paid(self) -> Action:
        return self._payment(self._random.choice(self._offered))

    def _refund(self) -> Refund:
        """An order of the story is given back: its bells were spent of a top-up."""
        self._given_back += 1
        return Refund(
            slot=self._random.choice(self._offered),
            refund_id=f"t{self._given_back}",
            customer=None,
            session=0,
            books=None,
            keep_discount=False,
            reason="other",
            note=None,
            patience=None,
            routes=self._routes(),
        )

    # The world

    def _lapse(self) -> Lapse:
        return Lapse(self._random.choice(self._who), self._route(), self._random.choice(self._plan.books).currency)

    def _jump(self) -> Jump:
        return Jump(seconds=self._random.choice(ENDS), off=self._random.choice((-1, 0, 0)))
