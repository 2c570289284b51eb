"""What a seed means: which top-ups there are, what becomes of each, and how its notifications travel. Pure."""

import random
from typing import Literal

import msgspec

from proof.standin.faults import Break, Wrong

Kind = Literal["stripe", "wechat", "alipay"]
KINDS: tuple[Kind, ...] = ("stripe", "wechat", "alipay")
PRICE = 600
"""Of each top-up, in minor units."""
BELLS = 660
"""Of each top-up, paid and bonus."""
MOST_TIMES = 5
FORGED = 0.2
WRONG: dict[Kind, tuple[Wrong, ...]] = {
    "stripe": ("amount", "currency"),
    "wechat": ("amount", "currency"),
    "alipay": ("amount",),
}
"""What may be wrong with money that came; Alipay names no currency."""


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """One top-up. `returns` are given back one by one, in minor units; `won` is how a dispute ends, if there is one."""

    kind: Kind
    customer: int
    wrong: Wrong | None = None
    returns: tuple[int, ...] = ()
    won: bool | None = None

    @property
    def credited(self) -> int:
        """The bells that the customer has of it at the end."""
        if self.wrong is not None:
            return 0
        gone = PRICE if self.won is False else sum(self.returns)
        return BELLS - BELLS * gone // PRICE


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
    return [_story(chance, KINDS[n % len(KINDS)], n % customers) for n in range(count)]


def travel(chance: random.Random) -> Travel:
    """How the next notification travels."""
    return Travel(times=chance.randint(1, MOST_TIMES), forged=chance.random() if chance.random() < FORGED else None)


def _story(chance: random.Random, kind: Kind, customer: int) -> Story:
    part = chance.randint(1, PRICE - 1)
    made = [
        Story(kind=kind, customer=customer),
        Story(kind=kind, customer=customer, returns=(part,)),
        Story(kind=kind, customer=customer, returns=(part, PRICE - part)),
        Story(kind=kind, customer=customer, wrong=chance.choice(WRONG[kind])),
    ]
    if kind == "stripe":
        made += [Story(kind=kind, customer=customer, won=won) for won in (True, False)]
    return chance.choice(made)
