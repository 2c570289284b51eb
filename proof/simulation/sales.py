"""A story of times of sale: books whose sale begins or ends while they are offered and paid."""

from dataclasses import replace
from datetime import timedelta

from proof.simulation.drawing import LATE, Drawing
from proof.simulation.plan import BASE, Book, Deposit, Fault, Jump, Plan, Quote, Step, Trouble, Waves

BEGINS, ENDS = LATE + 200, LATE + 400
TIMES = ((None, ENDS), (BEGINS, None), (BEGINS, ENDS))


def with_sales(plan: Plan) -> tuple[Plan, Waves]:
    """The plan, with books that are on sale for a time, and the story's waves."""
    return _Sales(plan).told()


class _Sales(Drawing):
    def __init__(self, plan: Plan) -> None:
        super().__init__(plan, "sales")
        self._books = tuple(self._book(number, *times) for number, times in enumerate(TIMES))
        self._who = self._random.sample(range(len(plan.customers)), 2)
        self._offered: list[int] = []
        """The slots of their offers."""

    def told(self) -> tuple[Plan, Waves]:
        shop = replace(self._plan, books=(*self._plan.books, *self._books))
        off = self._random.choice((-1, 0, 0))
        waves = (
            tuple(Step(self._deposit(customer), 0) for customer in self._who),
            (*self._quotes(), *self._quotes()),
            (*self._begins(), *self._quotes(after=1), *self._quotes(after=1)),
            self._around_the_end(),
            (Step(Jump(seconds=ENDS, off=off), 0), *self._quotes(after=1), *self._payments(after=1)),
        )
        return shop, waves

    def _book(self, number: int, begins: int | None, ends: int | None) -> Book:
        price = self._random.choice((0, 7, 100))
        since, until = (None if at is None else BASE + timedelta(seconds=at) for at in (begins, ends))
        return Book(f"{self._plan.prefix}-s{number}", price, price, None, on_sale_from=since, on_sale_until=until)

    def _deposit(self, customer: int) -> Deposit:
        return Deposit(customer, "s", 1000, "paid", None, self._routes())

    def _quotes(self, after: int = 0) -> list[Step]:
        """Each of the customers asks for one of the books, or for several."""
        first = len(self._plan.books)
        steps = []
        for customer in self._who:
            books = self._random.sample(range(first, first + len(self._books)), self._random.choice((1, 1, 1, 2)))
            quote = Quote(self._slot(), customer, self._session(customer), tuple(books), None, True, self._route())
            self._offered.append(quote.slot)
            steps.append(Step(quote, after))
        return steps

    def _begins(self) -> list[Step]:
        return [Step(Jump(seconds=BEGINS, off=self._random.choice((-1, 0, 0))), 0)]

    def _payments(self, after: int) -> list[Step]:
        return [Step(self._payment(slot), after) for slot in self._offered]

    def _around_the_end(self) -> tuple[Step, ...]:
        """Payments that are held up while the sale ends, and others before and after."""
        random = self._random
        early = random.sample(self._offered, 2)
        worker = self._worker()
        held = [replace(self._payment(slot), routes=((worker,),)) for slot in early]
        return (
            Step(Trouble(worker, "settlement", Fault("slow", 10), random.choice((0, 0, 1))), 0),
            *(Step(payment, 0) for payment in held),
            Step(Jump(seconds=ENDS, off=random.choice((-1, 0, 0))), random.choice((10, 20, 40))),
            *(Step(self._payment(slot), random.choice((0, 30, 60))) for slot in self._offered if random.random() < 0.4),
        )
