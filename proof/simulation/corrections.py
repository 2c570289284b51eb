"""A story of corrections: balances are adjusted and credits taken back, while they are spent, lapse, and are booked."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from proof.simulation.drawing import LATE, Drawing
from proof.simulation.plan import (
    MOST_BELLS,
    Action,
    Adjustment,
    Deposit,
    Jump,
    Lapse,
    Plan,
    Quote,
    Reversal,
    Step,
    Waves,
)

ENDS = (LATE + 100, LATE + 300, LATE + 600)
AMOUNTS = (1, 50, 300, -1, -30, -50, -100, -300, -1000)
RARE_AMOUNTS = (MOST_BELLS, -MOST_BELLS, MOST_BELLS - 100)


def with_corrections(plan: Plan) -> tuple[Plan, Waves]:
    """The plan, and the story's waves."""
    return plan, _Corrections(plan).told()


class _Corrections(Drawing):
    def __init__(self, plan: Plan) -> None:
        super().__init__(plan, "corrections")
        self._who = self._random.sample(range(len(plan.customers)), 2)
        """Few, so that what happens to a wallet happens at the same time."""
        self._deposits: list[Deposit] = []
        self._adjusted: list[Adjustment] = []
        self._offered: list[int] = []
        self._actions: list[tuple[float, Callable[[], Action | Sequence[Action]]]] = [
            (4, self._adjustment),
            (2, self._adjustment_again),
            (1, self._drain),
            (3, self._reversal),
            (1, self._all_reversed),
            (1, self._deposit_again),
            (1, self._paid),
            (1, self._lapse),
            (1, self._jump),
            (1, self._trouble),
            (0.5, self._kill),
        ]

    def told(self) -> Waves:
        return (self._opening(), *(self._wave() for _ in range(self._random.randint(2, 3))))

    def _opening(self) -> tuple[Step, ...]:
        """Bells of several kinds and ends, and offers."""
        deposits = [self._deposit(customer) for customer in self._who for _ in range(self._random.randint(1, 3))]
        quotes = [self._quote(customer) for customer in self._who]
        return (*(Step(deposit, 0) for deposit in deposits), *(Step(quote, 0) for quote in quotes))

    def _wave(self) -> tuple[Step, ...]:
        steps: list[Step] = []
        weights = [weight for weight, _ in self._actions]
        for _ in range(self._random.randint(3, 6)):
            [(_, draw)] = self._random.choices(self._actions, weights)
            made = draw()
            for action in made if isinstance(made, Sequence) else [made]:
                steps.append(Step(action, self._random.choice((0, 0, 0, 1, 3, 10, 40))))
        return tuple(steps)

    def _deposit(self, customer: int) -> Deposit:
        deposit = Deposit(
            customer=customer,
            credit_id=f"c{len(self._deposits)}",
            amount=self._random.choice((30, 50, 100, 300)),
            kind=self._random.choice(("paid", "bonus")),
            lapses=self._random.choice((None, *ENDS)),
            routes=self._routes(),
            currency=self._currency(),
        )
        self._deposits.append(deposit)
        return deposit

    def _quote(self, customer: int) -> Quote:
        book = self._random.randrange(len(self._plan.books))
        quote = Quote(self._slot(), customer, self._session(customer), (book,), None, True, self._route())
        self._offered.append(quote.slot)
        return quote

    def _adjustment(self) -> Adjustment:
        adjustment = Adjustment(
            customer=self._random.choice(self._who),
            adjustment_id=f"a{len(self._adjusted)}",
            amount=self._random.choice(AMOUNTS if self._random.random() < 0.92 else RARE_AMOUNTS),
            reason="simulated",
            note=self._random.choice((None, "seen")),
            routes=self._routes(),
            currency=self._currency(),
        )
        self._adjusted.append(adjustment)
        return adjustment

    def _adjustment_again(self) -> Adjustment:
        """As it was, or its id used for another one."""
        if not self._adjusted:
            return self._adjustment()
        old = replace(self._random.choice(self._adjusted), routes=self._routes())
        other = self._random.random()
        if other < 0.2:
            return replace(old, amount=old.amount + self._random.choice((1, -1)) or 2)
        if other < 0.3:
            return replace(old, note="another")
        return replace(old, currency=self._currency()) if other < 0.4 else old

    def _drain(self) -> list[Adjustment]:
        """All of it taken, several times at the same moment."""
        first = self._adjustment()
        others = [self._adjustment() for _ in range(self._random.choice((1, 2)))]
        drained = [replace(a, customer=first.customer, currency=first.currency, amount=-100) for a in (first, *others)]
        self._adjusted[-len(drained) :] = drained
        return drained

    def _reversal(self) -> Reversal:
        return self._reversed(self._random.choice(self._deposits))

    def _all_reversed(self) -> list[Reversal]:
        """Of one customer, whatever was spent of it meanwhile."""
        customer = self._random.choice(self._who)
        return [self._reversed(deposit) for deposit in self._deposits if deposit.customer == customer]

    def _reversed(self, deposit: Deposit) -> Reversal:
        return Reversal(deposit.customer, deposit.credit_id, self._routes())

    def _deposit_again(self) -> Deposit:
        return replace(self._random.choice(self._deposits), routes=self._routes())

    def _paid(self) -> Action:
        return self._payment(self._random.choice(self._offered))

    def _lapse(self) -> Lapse:
        return Lapse(self._random.choice(self._who), self._route(), self._currency())

    def _jump(self) -> Jump:
        return Jump(seconds=self._random.choice(ENDS), off=self._random.choice((-1, 0, 0)))

    def _currency(self) -> str:
        return self._random.choice(self._plan.books).currency
