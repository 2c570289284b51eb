"""What is attacked, how one alteration is drawn and judged, and what came of all of them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from random import Random
from typing import Any, Generic, NamedTuple, TypeVar

from lingdang.errors import Problem

T = TypeVar("T")

Alter = Callable[[Random, T, Sequence[T]], T]
"""Makes something else of a good sample; the third argument holds all the good ones."""

ACCEPTED = "ACCEPTED"

_DRAWS = 100
_SHOWN = 20


@dataclass(frozen=True)
class Target(Generic[T]):
    """One verifier with good samples of what it takes.

    `verify` returns when it accepts and raises Problem with one of `codes` when it refuses. `meaning` is equal for two
    ways to write the very same thing, of which the contract takes both.
    """

    name: str
    good: Sequence[T]
    kinds: Mapping[str, Alter[T]]
    verify: Callable[[T], None]
    codes: frozenset[str]
    meaning: Callable[[T], object] = lambda it: it

    @cached_property
    def taken(self) -> frozenset[object]:
        """What the good samples mean."""
        return frozenset(map(self.meaning, self.good))


class Tried(NamedTuple):
    """One alteration and its outcome: the code of the refusal, ACCEPTED, or what was raised instead."""

    number: int
    target: str
    kind: str
    outcome: str
    refused: bool
    altered: str


@dataclass
class Tally:
    """What came of all alterations."""

    outcomes: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """How often a target met a kind of alteration with an outcome."""
    broken: list[Tried] = field(default_factory=list)
    distinct: set[bytes] = field(default_factory=set)
    """Of each alteration that differs from all others, 8 bytes of its hash."""

    def add(self, tried: Tried) -> None:
        """Count one; one that was not refused is kept, up to some."""
        self.outcomes[tried.target, tried.kind, tried.outcome] += 1
        self.distinct.add(
            blake2b(f"{tried.target} {tried.altered}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
        )
        if not tried.refused and len(self.broken) < _SHOWN:
            self.broken.append(tried)

    def join(self, other: "Tally") -> None:
        """Take over what another process counted."""
        self.outcomes += other.outcomes
        self.broken.extend(other.broken)
        self.distinct |= other.distinct


def try_one(targets: Sequence[Target[Any]], seed: int, number: int) -> Tried:
    """The alteration of this seed and number: always the same one."""
    rng = Random(f"{seed}/{number}")
    target = targets[number % len(targets)]
    kind, altered = _drawn(target, rng)
    outcome = judge(target, altered)
    return Tried(number, target.name, kind, outcome, outcome in target.codes, repr(altered))


def judge(target: Target[T], altered: T) -> str:
    """The outcome of giving this to the verifier."""
    try:
        target.verify(altered)
    except Problem as problem:
        return problem.code
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ACCEPTED


def _drawn(target: Target[T], rng: Random) -> tuple[str, T]:
    """Something that means nothing that was ever issued, and the kind of alteration that it came of."""
    for _ in range(_DRAWS):
        kind = rng.choice(list(target.kinds))
        altered = target.kinds[kind](rng, rng.choice(target.good), target.good)
        if target.meaning(altered) not in target.taken:
            return kind, altered
    raise RuntimeError(f"{target.name}: alterations change nothing")
