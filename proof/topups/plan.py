"""What a seed means: which top-ups there are, what becomes of each, and how its notifications travel. Pure."""

import random
from collections.abc import Callable
from typing import Literal

import msgspec

from proof.standin.faults import Break, Wrong

Kind = Literal["stripe", "wechat", "alipay", "apple", "google"]
KINDS: tuple[Kind, ...] = ("stripe", "wechat", "alipay", "apple", "google")
STORES = frozenset({"apple", "google"})
PRICE = 600
"""Of each top-up, in minor units."""
BELLS = 660
"""Of each top-up, paid and bonus."""
BOOK = 100
"""What a book costs, in bells."""
MOST_BOOKS = BELLS // BOOK
MOST_TIMES = 5
FORGED = 0.75
"""How often a forged one travels beside a notification: a fifth of what arrives is forged."""
WRONG: dict[Kind, tuple[Wrong, ...]] = {
    "stripe": ("amount", "currency", "merchant", "order"),
    "wechat": ("amount", "currency", "merchant", "order"),
    "alipay": ("amount", "merchant", "order"),
    "apple": ("merchant", "order"),
    "google": ("merchant", "order"),
}
"""What may be wrong with money that came. Alipay names no currency, and at a store no price was agreed."""
MEANT: dict[Break, str] = {
    "body": "forged: signature",
    "signature": "forged: signature",
    "stale": "forged: timestamp",
    "ahead": "forged: timestamp",
    "serial": "forged: serial",
    "probe": "probe",
    "not utf-8": "forged: not utf-8",
}
"""What the inbox is to say of each forged one; details follow behind a colon."""
ANOTHER_APP = "forged: app"
"""What it is to say of a store's notification for another app."""


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """One top-up. `returns` are given back one by one, in minor units: at the provider, or as operators ask.

    `won` is how a dispute ends, if there is one; `reversed`: the store takes its refund back. Before money goes back
    the customer buys so many `books`. A `late` one is paid when that of others goes back.
    """

    kind: Kind
    customer: int
    wrong: Wrong | None = None
    returns: tuple[int, ...] = ()
    by_operator: bool = False
    won: bool | None = None
    reversed: bool = False
    books: int = 0
    late: bool = False

    @property
    def refused(self) -> bool:
        """Whether its notification is to be refused, for all that it is genuine: another app's is."""
        return self.wrong == "merchant" and self.kind in STORES

    @property
    def gone(self) -> int:
        """How much of the money goes back in the end."""
        if self.won is not None:
            return 0 if self.won else PRICE
        return 0 if self.reversed else sum(self.returns)

    @property
    def credited(self) -> int:
        """The bells that the customer has of it at the end, those that were spent too."""
        return 0 if self.wrong is not None else BELLS - BELLS * self.gone // PRICE

    @property
    def status(self) -> str:
        """How the top-up stands in the end."""
        if self.wrong is not None:
            return "pending" if self.wrong == "order" or self.refused else "review"
        if self.won is False:
            return "lost"
        return "paid" if not self.gone else "refunded" if self.gone == PRICE else "partly_refunded"


class Travel(msgspec.Struct, frozen=True, kw_only=True):
    """How one notification travels: how often it arrives, and how the forged one beside it is made, if there is one."""

    times: int
    forged: float | None = None
    """A place among the breaks of its provider, as a share of 1."""

    def how(self, breaks: tuple[Break, ...]) -> Break | None:
        """How the forged one is made."""
        return None if self.forged is None else breaks[int(self.forged * len(breaks))]


def stories(chance: random.Random, count: int, customers: int) -> list[Story]:
    """So many top-ups, evenly of all providers."""
    return [_story(chance, KINDS[n % len(KINDS)], chance.randrange(customers)) for n in range(count)]


def travel(chance: random.Random) -> Travel:
    """How the next notification travels."""
    return Travel(times=chance.randint(1, MOST_TIMES), forged=chance.random() if chance.random() < FORGED else None)


def _story(chance: random.Random, kind: Kind, customer: int) -> Story:
    part = 3 * chance.randint(1, PRICE // 3 - 1)  # Apple tells percentages, in thousandths
    books = chance.choice((0, chance.randint(1, MOST_BOOKS), MOST_BOOKS))

    def story(**more: object) -> Story:
        return msgspec.convert({"kind": kind, "customer": customer, **more}, Story)

    made: list[Callable[[], Story]] = [
        lambda: story(late=chance.random() < 0.5),
        lambda: story(returns=(part,), books=books),
        lambda: story(returns=(PRICE,), books=books),
        lambda: story(wrong=chance.choice(WRONG[kind])),
    ]
    if kind not in STORES:
        made += [
            lambda: story(returns=(PRICE,), books=books, by_operator=True),
            lambda: story(returns=(part, PRICE - part), books=books, by_operator=True),
            lambda: story(returns=(part,), books=books, by_operator=True),
        ]
    if kind != "apple":  # which tells of one refund
        made.append(lambda: story(returns=(part, PRICE - part), books=books))
    if kind == "apple":
        made.append(lambda: story(returns=(part,), books=books, reversed=True))
    if kind == "stripe":
        made += [lambda: story(won=True, books=books), lambda: story(won=False, books=books)]
    return chance.choice(made)()
