"""The best allowed combination of vouchers: exact, by branch and bound, and bounded in its work.

Vouchers are considered in the order in which they are applied: each is taken, or left. A branch is left as soon as what
the vouchers still to come could save at most (what each would save on what is left now, of one group only the best: by
the property of cuts it is never less than what they do save) brings nothing better than the best one known.

"Best" is decided by what is saved; then by fewer vouchers; then by the earlier ones in order of application.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from lingdang.coupons.cuts import Cut
from lingdang.coupons.model import Stacking

MAX_APPLIED = 20
"""An order takes at most this many vouchers."""

MAX_STEPS = 2_000
"""A search that looked at this many branches stops with the best found so far. Counted, not timed: the same
order and vouchers give the same answer on every machine."""


class Candidate(msgspec.Struct, frozen=True):
    """A usable voucher: what it takes off, and how it goes with others."""

    voucher_id: str
    coupon_id: str
    cut: Cut
    stacking: Stacking
    expires_at: datetime

    @property
    def rank(self) -> tuple[int, str, datetime, str]:
        """Its place in the order of application. Vouchers of one coupon stand together, the soonest to expire first."""
        return (self.stacking.order, self.coupon_id, self.expires_at, self.voucher_id)


class Combination(msgspec.Struct, frozen=True):
    """Candidates in order of application, what each saves, and what each line loses.

    `proven`: no allowed combination saves more.
    """

    candidates: tuple[Candidate, ...]
    saves: tuple[int, ...]
    discounts: tuple[int, ...]
    proven: bool = True


_Gain = tuple[int, Candidate]
"""What a candidate would save on what is left now."""
_Taken = tuple[Candidate, ...]


def apply(candidates: Sequence[Candidate], prices: Sequence[int]) -> Combination:
    """What these candidates save together, whether or not they may be combined."""
    ranked = tuple(sorted(candidates, key=lambda candidate: candidate.rank))
    remaining = list(prices)
    saves = tuple(_take(candidate.cut, remaining) for candidate in ranked)
    discounts = tuple(price - left for price, left in zip(prices, remaining, strict=True))
    return Combination(ranked, saves, discounts)


def conflicts(candidate: Candidate, others: Sequence[Candidate]) -> list[Candidate]:
    """Those of `others` that the candidate cannot be combined with."""
    mine = candidate.stacking
    return [
        other
        for other in others
        if other is not candidate
        and (
            mine.exclusive
            or other.stacking.exclusive
            or (mine.group is not None and mine.group == other.stacking.group)
        )
    ]


def best(candidates: Sequence[Candidate], prices: Sequence[int], max_steps: int = MAX_STEPS) -> Combination:
    """The best allowed combination of candidates, each of which saves something alone."""
    if len(candidates) < 2:
        return apply(candidates, prices)
    ranked = sorted(candidates, key=lambda candidate: candidate.rank)
    together = [c for c in ranked if not c.stacking.exclusive]
    guess = apply(_best_of_each_group(together, prices), prices)
    search = _Search(prices, sum(guess.saves), max_steps)
    search.run(together)
    found = [apply(search.best, prices), guess] + [apply((c,), prices) for c in ranked if c.stacking.exclusive]
    chosen = min(found, key=_preference)
    return chosen if search.steps <= max_steps else msgspec.structs.replace(chosen, proven=False)


def _preference(combination: Combination) -> tuple[int, int, list[tuple[int, str, datetime, str]]]:
    """Less is better: more saved, then fewer vouchers, then earlier ones. One that saves nothing is not worth using."""
    used = [candidate.rank for candidate, saves in zip(combination.candidates, combination.saves, strict=True) if saves]
    idle = len(used) < len(combination.candidates)
    return (-sum(combination.saves), len(used) + 1000 * idle, used)


def _best_of_each_group(candidates: Sequence[Candidate], prices: Sequence[int]) -> list[Candidate]:
    """An allowed combination that is often near the best: the search need not look at what cannot reach it."""
    chosen: dict[str, tuple[int, Candidate]] = {}
    for candidate in candidates:
        group, amount = candidate.stacking.group or candidate.voucher_id, candidate.cut.saves(prices)
        if amount > chosen.get(group, (0, None))[0]:
            chosen[group] = (amount, candidate)
    return [candidate for _, candidate in chosen.values()]


class _Search:
    """Branch and bound over vouchers that are not exclusive; `least` is known to be reachable."""

    def __init__(self, prices: Sequence[int], least: int, max_steps: int) -> None:
        self._prices = prices
        self._least = least
        self._max_steps = max_steps
        self.steps = 0
        self.best: tuple[Candidate, ...] = ()
        self.best_saves = 0

    def run(self, ranked: Sequence[Candidate]) -> None:
        self._visit(ranked, list(self._prices), 0, ())

    def _visit(self, ranked: Sequence[Candidate], remaining: list[int], saved: int, taken: _Taken) -> None:
        """Every combination that begins with `taken` and goes on with some of `ranked`."""
        self.steps += 1
        if self.steps > self._max_steps:
            return
        gains = [(amount, c) for c in ranked if (amount := c.cut.saves(remaining))]
        bounds = _bounds(gains)
        left_out = ""
        for place, (_, candidate) in enumerate(gains):
            if not self._promises(saved, min(bounds[place], sum(remaining)), taken, gains[place:]):
                return
            if candidate.coupon_id == left_out:
                continue  # vouchers of one coupon are alike: the first is as good as any
            left_out = candidate.coupon_id
            left = list(remaining)
            reached = saved + _take(candidate.cut, left)
            now_taken = (*taken, candidate)
            self._keep(reached, now_taken)
            if len(now_taken) < MAX_APPLIED and reached + bounds[place + 1] >= max(self.best_saves, self._least):
                self._visit(_beside(candidate, gains[place + 1 :]), left, reached, now_taken)

    def _keep(self, saved: int, taken: _Taken) -> None:
        # Equals come later in the order of preference: the search takes before it leaves.
        if (-saved, len(taken)) < (-self.best_saves, len(self.best)):
            self.best, self.best_saves = taken, saved

    def _promises(self, saved: int, possible: int, taken: _Taken, gains: Sequence[_Gain]) -> bool:
        """Whether anything better can still come: more saved, or as much with fewer vouchers."""
        if saved + possible != self.best_saves:
            return saved + possible >= max(self._least, self.best_saves)
        return len(taken) + _fewest(gains, self.best_saves - saved) < len(self.best)


def _bounds(gains: Sequence[_Gain]) -> list[int]:
    """What the gains from each place on can come to at most: of one group only one, the others all. Ends with 0."""
    bounds, total = [0], 0
    most: dict[str, int] = {}
    for amount, candidate in reversed(gains):
        group = candidate.stacking.group
        if group is None:
            total += amount
        elif amount > most.get(group, 0):
            total += amount - most.get(group, 0)
            most[group] = amount
        bounds.append(total)
    bounds.reverse()
    return bounds


def _fewest(gains: Sequence[_Gain], wanted: int) -> int:
    """How many of the gains are needed at least to reach what is wanted."""
    count = 0
    for amount in sorted([amount for amount, _ in gains], reverse=True):
        if wanted <= 0:
            break
        wanted -= amount
        count += 1
    return count


def _beside(taken: Candidate, gains: Sequence[_Gain]) -> list[Candidate]:
    """Those that may be combined with what was taken last."""
    group = taken.stacking.group
    return [c for _, c in gains if group is None or c.stacking.group != group]


def _take(cut: Cut, remaining: list[int]) -> int:
    """Take the cut off what is left to pay; answers what it saves."""
    amounts = cut.take(remaining)
    for i, amount in zip(cut.lines, amounts, strict=True):
        remaining[i] -= amount
    return sum(amounts)
