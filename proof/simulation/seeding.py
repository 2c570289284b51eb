"""A plan from a seed: every choice is drawn from one random generator, so that a seed always means the same."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

from proof.simulation.plan import (
    BASE,
    CURRENCIES,
    Action,
    Book,
    Coupon,
    Deposit,
    Fault,
    Gift,
    Jump,
    Kill,
    Lapse,
    Logout,
    Payment,
    Plan,
    Quote,
    Recall,
    Shelf,
    Step,
    Trouble,
)
from proof.simulation.returns import with_returns
from proof.simulation.stories import with_stories

PRICES = (0, 1, 2, 7, 33, 50, 99, 100, 101, 333, 500, 1000)
LAPSES = (30, 600, 900, 1800)
FLAWS = ("session", "customer", "token", "other_session", "products", "sign", "sign_type")
CUTS = ("cut_before", "cut_within", "cut_unread", "cut_after")
FAULTS = (
    *CUTS,
    *CUTS,
    *("slow", "slow", "slow_answer", "slow_answer"),
    *("full", "away_before", "away_after", "away_after", "kill_before", "kill_after"),
)
SIZES = {
    "slow": (1, 5, 10),
    "slow_answer": (1, 5, 10),
    "full": (1, 2, 6),
    "away_before": (1, 3, 40),
    "away_after": (3, 40, 60),
}


def plan_of(seed: int, run: str = "") -> Plan:
    """The plan of a seed. `run` tells apart several runs of it on one database."""
    return with_stories(with_returns(_Drawing(seed, f"{run}s{seed}").plan()))


class _Drawing:
    """One plan while it is being drawn."""

    def __init__(self, seed: int, prefix: str) -> None:
        self._random = Random(seed)
        # Drawn apart, so that seeds which were kept go on meaning what they meant.
        self._apart = Random(f"currencies {seed}")
        self._currencies = CURRENCIES if self._apart.random() < 0.4 else CURRENCIES[:1]
        self._seed = seed
        self._prefix = prefix
        self._workers = self._random.choice((1, 2, 2, 3, 3))
        self._monotone = self._random.random() < 0.7
        self._slots: list[int] = []
        """The customer of each offer."""
        self._deposits: list[Deposit] = []
        self._next: list[Step] = []
        """What the next wave begins with."""
        self._actions: list[tuple[float, Any]] = [
            (4, self._deposit),
            (2, self._deposit_again),
            (7, self._quote),
            (9, self._payment),
            (1, self._shelf),
            (1, self._logout),
            (1, self._lapse),
            (2, self._jump),
            (1, self._kill),
            (1, self._recall),
            (1, self._rush),
            (1, self._close_call),
            (1, self._last_moment),
            (0.5, self._vanishing),
        ]

    def plan(self) -> Plan:
        random = self._random
        self._customers = tuple(f"{self._prefix}-c{i}" for i in range(random.randint(2, 4)))
        self._books = tuple(self._book(i) for i in range(random.randint(3, 6)))
        self._coupons = tuple(self._coupon(i) for i in range(random.randint(0, 3)))
        sign_types = tuple(
            (random.choice(("HMAC-SHA256", "MD5")), random.choice(("HMAC-SHA256", "MD5"))) for _ in self._customers
        )
        gifts = tuple(self._gifts())
        first = self._opening()
        waves = tuple(self._wave() for _ in range(random.randint(4, 8)))
        skews = tuple(self._skew() for _ in range(self._workers))
        faults = self._faults()
        # Drawn apart, as the currencies are.
        self._random = Random(f"afterwards {self._seed}")
        return Plan(
            seed=self._seed,
            prefix=self._prefix,
            workers=self._workers,
            monotone=self._monotone,
            skews=skews,
            customers=self._customers,
            sign_types=sign_types,
            books=self._books,
            coupons=self._coupons,
            gifts=gifts,
            waves=(first, *waves, *self._afterwards()),
            faults=faults,
        )

    def _book(self, number: int) -> Book:
        price = self._random.choice(PRICES)
        publisher = self._random.choice((None, "North", "South"))
        list_price = price + self._random.choice((0, 20))
        return Book(f"{self._prefix}-b{number}", price, list_price, publisher, self._currency())

    def _currency(self) -> str:
        return self._apart.choice(self._currencies)

    def _coupon(self, number: int) -> Coupon:
        random = self._random
        until = random.choice((None, None, 600, 1200))
        days = random.choice((None, 1))
        definition: dict[str, Any] = {"name": f"Coupon {number}", "effect": self._effect()}
        if conditions := self._conditions():
            definition["conditions"] = conditions
        definition["currency"] = self._currency()
        group = random.choice(("default", "other", None))
        definition["stacking"] = {"group": group, "order": random.randint(0, 2), "exclusive": random.random() < 0.1}
        return Coupon(
            coupon_id=f"{self._prefix}-k{number}",
            code=f"{self._prefix}-K{number}".upper(),
            definition=definition,
            total_limit=random.choice((None, 1, 2, 3)),
            per_customer=random.choice((1, 1, 2)),
            valid_until=None if until is None else BASE + timedelta(seconds=until),
            valid_days=days,
        )

    def _effect(self) -> dict[str, Any]:
        random = self._random
        cap = random.choice((None, None, 40))
        capped = {} if cap is None else {"cap": cap}
        return random.choice(
            (
                {"kind": "percent", "off": random.choice((10, 15, 33, 50, 100)), **capped},
                {"kind": "fixed", "amount": random.choice((1, 10, 55, 2000))},
                {"kind": "spend_save", "spend": 100, "save": random.choice((7, 30)), "every": True, **capped},
                {"kind": "spend_save", "spend": 300, "save": 50},
            )
        )

    def _conditions(self) -> dict[str, Any]:
        conditions: dict[str, Any] = {}
        if self._random.random() < 0.2:
            conditions["minSpend"] = 100
        if self._random.random() < 0.25:
            conditions["firstPurchase"] = True
        if self._random.random() < 0.2:
            conditions["publishers"] = ["North"]
        return conditions

    def _gifts(self) -> list[Gift]:
        """Vouchers held from the beginning, within the coupons' limits."""
        gifts: list[Gift] = []
        for coupon, about in enumerate(self._coupons):
            for customer in range(len(self._customers)):
                given = sum(gift.coupon == coupon for gift in gifts)
                if self._random.random() < 0.4 and given < (about.total_limit or 9):
                    gifts.append(Gift(customer, coupon, self._voucher_id()))
        return gifts

    def _voucher_id(self) -> str:
        millis = int(BASE.timestamp() * 1000)
        return str(UUID(int=millis << 80 | 0x7 << 76 | 0b10 << 62 | self._random.getrandbits(62)))

    def _opening(self) -> tuple[Step, ...]:
        """Most customers get bells at the beginning."""
        actions = [self._deposit(customer) for customer in range(len(self._customers)) if self._random.random() < 0.8]
        return tuple(Step(action, 0) for action in actions)

    def _wave(self) -> tuple[Step, ...]:
        steps, self._next = self._next, []
        for _ in range(self._random.randint(1, 5)):
            made = self._action()
            for action in made if isinstance(made, Sequence) else [made]:
                later = self._random.choice((0, 0, 0, 1, 3, 10, 40))
                steps.append(action if isinstance(action, Step) else Step(action, later))
        return tuple(steps)

    def _action(self) -> Action | Sequence[Action | Step]:
        weights = [weight for weight, _ in self._actions]
        [(_, draw)] = self._random.choices(self._actions, weights)
        made: Action | Sequence[Action | Step] | None = draw()
        return self._quote() if made is None else made

    def _customer(self) -> int:
        return self._random.randrange(len(self._customers))

    def _route(self) -> tuple[int, ...]:
        """The workers that a request is tried at, one after the other."""
        return tuple(self._random.randrange(self._workers) for _ in range(self._random.choice((1, 2, 3))))

    def _routes(self) -> tuple[tuple[int, ...], ...]:
        return tuple(self._route() for _ in range(self._random.choice((1, 1, 2, 3))))

    def _deposit(self, customer: int | None = None) -> Deposit:
        deposit = Deposit(
            customer=self._customer() if customer is None else customer,
            credit_id=f"d{len(self._deposits)}",
            amount=self._random.choice((1, 50, 100, 300, 1000, 5000)),
            kind=self._random.choice(("paid", "bonus")),
            lapses=self._random.choice((None, None, *LAPSES)),
            routes=self._routes(),
            currency=self._currency(),
        )
        self._deposits.append(deposit)
        return deposit

    def _deposit_again(self) -> Deposit | None:
        """An earlier credit repeated later, or its id used for another one."""
        if not self._deposits:
            return None
        old = self._random.choice(self._deposits)
        amount = old.amount + self._random.choice((0, 0, 1))
        currency = self._apart.choice((old.currency, old.currency, self._currency()))
        return replace(old, amount=amount, routes=self._routes(), currency=currency)

    def _rush(self) -> list[Quote] | None:
        """One code claimed by several customers, and by each of them several times, at the same moment."""
        if not self._coupons:
            return None
        code = self._random.randrange(len(self._coupons))
        return [self._quote(code) for _ in range(self._random.randint(2, 4))]

    def _close_call(self) -> list[Step] | None:
        """An offer paid at one worker before it expires, and at another one after: the first payment is held up."""
        if not self._slots:
            return None
        slot = self._random.randrange(len(self._slots))
        one, other = self._random.choices(range(self._workers), k=2)
        return [
            Step(Trouble(one, "settlement", Fault("slow", 10), self._random.choice((0, 0, 1))), 0),
            Step(Payment(slot, frozenset(), 0, None, ((one,),)), 0),
            Step(Jump(offer=slot), 20),
            Step(Payment(slot, frozenset(), 0, None, ((other,),)), 30),
        ]

    def _last_moment(self) -> list[Quote]:
        """An offer made with a coupon, and paid at the moment at which the coupon, or what a credit brought, lapses."""
        ending = [i for i, coupon in enumerate(self._coupons) if coupon.valid_until is not None]
        code = self._random.choice(ending) if ending else None
        until = None if code is None else self._coupons[code].valid_until
        seconds = self._random.choice(LAPSES) if until is None else int((until - BASE).total_seconds())
        quotes = [self._quote(code), self._quote(code)]
        self._next.append(Step(Jump(seconds=seconds, off=self._random.choice((-1, 0, 0, 0))), 0))
        self._next.extend(Step(self._pay(quote.slot), 5) for quote in quotes)
        return quotes

    def _vanishing(self) -> list[Step] | None:
        """The database carries out a payment's commit, and is away before it can say so."""
        if not self._slots:
            return None
        worker, slot = self._random.randrange(self._workers), len(self._slots) - 1
        return [
            Step(Trouble(worker, "settlement", Fault("away_after", 60), 1), 0),
            Step(Payment(slot, frozenset(), 0, None, ((worker,),)), 0),
        ]

    def _afterwards(self) -> list[tuple[Step, ...]]:
        """A book that a worker has just sold to one customer is withdrawn before another one pays it there."""
        random = self._random
        if random.random() < 0.6:
            return []
        book, worker = random.randrange(len(self._books)), random.randrange(self._workers)
        quotes = [
            replace(self._quote(), books=(book,), customer=c) for c in random.sample(range(len(self._customers)), 2)
        ]
        self._slots[-2:] = [quote.customer for quote in quotes]
        currency = self._books[book].currency
        gifts = [replace(self._deposit(quote.customer), amount=5000, currency=currency) for quote in quotes]
        first, second = (Payment(quote.slot, frozenset(), 0, None, ((worker,),)) for quote in quotes)
        return [
            (Step(Shelf(book, active=True), 0), *(Step(gift, 0) for gift in gifts)),
            tuple(Step(quote, 0) for quote in quotes),
            (Step(first, 0),),
            (Step(Shelf(book, active=False), 0),),
            (Step(second, 0),),
        ]

    def _quote(self, code: int | None = None) -> Quote:
        customer = self._customer()
        self._slots.append(customer)
        count = self._random.choice((1, 1, 2, 3))
        if code is None and self._coupons and self._random.random() < 0.5:
            code = self._random.randrange(len(self._coupons))
        session = self._random.choice((0, 0, 1))
        books = self._random.sample(range(len(self._books)), min(count, len(self._books)))
        return Quote(
            slot=len(self._slots) - 1,
            customer=customer,
            session=session,
            books=tuple(book for book in books if self._books[book].currency == self._books[books[0]].currency),
            code=code,
            vouchers=self._random.random() < 0.8,
            route=self._route(),
        )

    def _payment(self) -> list[Payment] | None:
        """One offer paid; or all the open ones of one customer at the same time."""
        if not self._slots:
            return None
        slot = max(self._random.randrange(len(self._slots)), self._random.randrange(len(self._slots)))
        if self._random.random() < 0.6:
            return [self._pay(slot)]
        return [self._pay(other) for other, customer in enumerate(self._slots) if customer == self._slots[slot]][-4:]

    def _pay(self, slot: int) -> Payment:
        random = self._random
        flaws = frozenset(random.sample(FLAWS, random.choice((1, 1, 2)))) if random.random() < 0.15 else frozenset()
        offset = random.choice((300, -300, 301, -301)) if random.random() < 0.08 else 0
        patience = random.choice((1, 4, 15)) if random.random() < 0.1 else None
        return Payment(slot, flaws, offset, patience, self._routes())

    def _shelf(self) -> Shelf:
        return Shelf(self._random.randrange(len(self._books)), self._random.random() < 0.4)

    def _recall(self) -> Recall | None:
        coupons = len(self._coupons)
        return Recall(self._random.randrange(coupons)) if coupons else None

    def _logout(self) -> Logout:
        return Logout(self._customer(), self._random.choice((0, 1)))

    def _lapse(self) -> Lapse:
        return Lapse(self._customer(), self._route(), self._currency())

    def _jump(self) -> Jump:
        random = self._random
        draw = random.random()
        if draw < 0.35 and self._slots:
            return Jump(offer=random.randrange(len(self._slots)), off=random.choice((-1, 0, 0, 1)))
        if draw < 0.6:
            return Jump(seconds=random.choice((*LAPSES, 1200)), off=random.choice((-1, 0, 0, 1)))
        seconds = random.choice((0.001, 1, 10, 301, 1000))
        if not self._monotone and random.random() < 0.5:
            seconds = -seconds
        return Jump(by=timedelta(seconds=seconds))

    def _kill(self) -> Kill | None:
        return Kill(self._random.randrange(self._workers)) if self._random.random() < 0.5 else None

    def _skew(self) -> timedelta:
        if self._monotone:
            return timedelta()
        return timedelta(milliseconds=self._random.choice((0, 1, -1, 700, -2500)))

    def _faults(self) -> dict[int, dict[str, dict[int, Fault]]]:
        faults: dict[int, dict[str, dict[int, Fault]]] = {}
        for _ in range(self._random.choice((0, 1, 2, 3, 5))):
            worker = self._random.randrange(self._workers)
            wire, reach = self._random.choice((("settlement", 24), ("settlement", 24), ("checkout", 8), ("pool", 8)))
            kind = self._random.choice(FAULTS)
            if wire == "pool" and kind.startswith("away"):
                kind = "cut_after"  # a pool that is refused a connection waits for a second
            faults.setdefault(worker, {}).setdefault(wire, {})[self._random.randrange(reach)] = self._fault(kind)
        return faults

    def _fault(self, kind: str) -> Fault:
        return Fault(kind, self._random.choice(SIZES.get(kind, (1,))))
