"""A story of fraud: an order paid with a voucher comes back in parts, some of them because of fraud."""

from dataclasses import replace

from proof.simulation.drawing import Drawing
from proof.simulation.plan import CURRENCIES, Book, Coupon, Deposit, Plan, Quote, Refund, Step, Waves
from proof.simulation.returns import REASONS

PRICES = (40, 70, 100)


def with_fraud(plan: Plan) -> tuple[Plan, Waves]:
    """The plan, with books and a coupon that nobody has yet, and the story's waves."""
    return _Fraud(plan).told()


class _Fraud(Drawing):
    def __init__(self, plan: Plan) -> None:
        super().__init__(plan, "fraud")
        first = len(plan.books)
        self._places = tuple(range(first, first + len(PRICES)))
        self._books = tuple(Book(f"{plan.prefix}-f{n}", price, price, None) for n, price in enumerate(PRICES))
        self._who = self._customer()
        self._refunds = 0

    def told(self) -> tuple[Plan, Waves]:
        plan = self._plan
        deposit = Deposit(self._who, "f", 1000, self._random.choice(("paid", "bonus")), None, self._routes())
        quote = Quote(
            slot=self._slot(),
            customer=self._who,
            session=self._session(self._who),
            books=self._places,
            code=len(plan.coupons),
            vouchers=True,
            route=self._route(),
        )
        waves = [[Step(deposit, 0)], [Step(quote, 0)], [Step(self._payment(quote.slot), 0)]]
        waves += [[Step(refund, self._random.choice((0, 3, 10)))] for refund in self._parts(quote)]
        shop = replace(plan, books=(*plan.books, *self._books), coupons=(*plan.coupons, self._coupon()))
        return shop, tuple(tuple(wave) for wave in waves)

    def _coupon(self) -> Coupon:
        prefix = self._plan.prefix
        return Coupon(
            coupon_id=f"{prefix}-f",
            code=f"{prefix}-F".upper(),
            definition={
                "name": "Coupon of the fraud",
                "effect": {"kind": "percent", "off": self._random.choice((10, 33))},
                "currency": CURRENCIES[0],
                "stacking": {"group": None, "order": 0, "exclusive": False},
            },
            total_limit=None,
            per_customer=1,
            valid_until=None,
            valid_days=None,
        )

    def _parts(self, quote: Quote) -> list[Refund]:
        """One book or two, one after the other, and then what is left; mostly fraud in the first."""
        books = self._random.sample(quote.books, self._random.choice((1, 1, 2)))
        parts = [self._refund(quote, (book,)) for book in books]
        parts[0] = replace(parts[0], reason="fraud") if self._random.random() < 0.8 else parts[0]
        own = self._random.random() < 0.3
        rest = replace(self._refund(quote, None), keep_discount=False, customer=quote.customer if own else None)
        return [*parts, rest]

    def _refund(self, quote: Quote, books: tuple[int, ...] | None) -> Refund:
        """By an operator who lets the customer keep the discount."""
        self._refunds += 1
        return Refund(
            slot=quote.slot,
            refund_id=f"f{self._refunds}",
            customer=None,
            session=quote.session,
            books=books,
            keep_discount=True,
            reason=self._random.choice(REASONS),
            note=None,
            patience=None,
            routes=self._routes(),
        )
