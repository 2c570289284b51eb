"""The best allowed combination of vouchers: exact, by branch and bound, and bounded in its work.

Vouchers are considered in the order in which they are applied: each is taken, or left. A branch is left as soon as what
the vouchers still to come could save at most (what each would save on what is left now, of one group only the best: by
the property of cuts it is never less than what they do save) brings nothing better than the best one known.

"Best" is decided by what is saved; then by fewer vouchers; then by the earlier ones in order of application.
"""

from collections.abc import Iterable, Sequence

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
    valid_to: float
    """When it expires, in seconds since 1970; infinity for never."""

    @property
    def rank(self) -> tuple[int, str, float, str]:
        """Its place in the order of application. Vouchers of one coupon stand together, the soonest to expire first."""
        return (self.stacking.order, self.coupon_id, self.valid_to, self.voucher_id)


class Combination(msgspec.Struct, frozen=True):
    """Candidates in order of application, what each saves, and what each line loses.

    `proven`: no allowed combination saves more.
    """

    candidates: tuple[Candidate, ...]
    saves: tuple[int, ...]
    discounts: tuple[int, ...]
    proven: bool = True


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
    """The best allowed combination; without one that saves anything, an empty one."""
    ranked = sorted(candidates, key=lambda candidate: candidate.rank)
    search = _Search([c for c in ranked if not c.stacking.exclusive], prices, max_steps)
    search.run()
    choice = [_Choice(search.best_saves, search.best)]
    choice += [_Choice(c.cut.saves(prices), (c,)) for c in ranked if c.stacking.exclusive]
    chosen = min(choice, key=_Choice.preference)
    return msgspec.structs.replace(apply(chosen.candidates, prices), proven=search.steps < max_steps)


class _Choice(msgspec.Struct, frozen=True):
    saves: int
    candidates: tuple[Candidate, ...]

    def preference(self) -> tuple[int, int, tuple[tuple[int, str, float, str], ...]]:
        return (-self.saves, len(self.candidates), tuple(candidate.rank for candidate in self.candidates))


class _Search:
    """Branch and bound over vouchers that are not exclusive."""

    def __init__(self, ranked: Sequence[Candidate], prices: Sequence[int], max_steps: int) -> None:
        self._ranked = ranked
        self._prices = prices
        self._max_steps = max_steps
        self.steps = 0
        self.best: tuple[Candidate, ...] = ()
        self.best_saves = 0

    def run(self) -> None:
        self._visit(0, list(self._prices), 0, ())

    def _visit(self, place: int, remaining: list[int], saved: int, taken: tuple[Candidate, ...]) -> None:
        """Every combination that begins with `taken` and goes on with candidates from `place` on."""
        while place < len(self._ranked) and len(taken) < MAX_APPLIED and self.steps < self._max_steps:
            self.steps += 1
            if not self._promises(place, remaining, saved, taken):
                return
            candidate = self._ranked[place]
            if not _blocked(candidate, taken):
                left = list(remaining)
                amount = _take(candidate.cut, left)
                if amount:
                    self._keep(saved + amount, (*taken, candidate))
                    self._visit(place + 1, left, saved + amount, (*taken, candidate))
            place = self._after_coupon(place)

    def _after_coupon(self, place: int) -> int:
        """The next place with another coupon: vouchers of one coupon are alike, so the first is as good as any."""
        coupon_id = self._ranked[place].coupon_id
        while place < len(self._ranked) and self._ranked[place].coupon_id == coupon_id:
            place += 1
        return place

    def _keep(self, saved: int, taken: tuple[Candidate, ...]) -> None:
        # Equals come later in the order of preference: the search takes before it leaves.
        if (-saved, len(taken)) < (-self.best_saves, len(self.best)):
            self.best, self.best_saves = taken, saved

    def _promises(self, place: int, remaining: list[int], saved: int, taken: tuple[Candidate, ...]) -> bool:
        """Whether anything better can still come: more saved, or as much with fewer vouchers."""
        most: dict[object, int] = {}
        for candidate in self._ranked[place:]:
            if not _blocked(candidate, taken):
                key = candidate.voucher_id if candidate.stacking.group is None else (candidate.stacking.group,)
                most[key] = max(most.get(key, 0), candidate.cut.saves(remaining))
        wanted = self.best_saves - saved
        possible = min(sum(most.values()), sum(remaining))
        if possible != wanted:
            return possible > wanted
        return len(taken) + _fewest(most.values(), wanted) < len(self.best)


def _fewest(amounts: Iterable[int], wanted: int) -> int:
    """How many of the amounts are needed at least to reach what is wanted."""
    count = 0
    for amount in sorted(amounts, reverse=True):
        if wanted <= 0:
            break
        wanted -= amount
        count += 1
    return count


def _blocked(candidate: Candidate, taken: Sequence[Candidate]) -> bool:
    group = candidate.stacking.group
    return group is not None and any(group == other.stacking.group for other in taken)


def _take(cut: Cut, remaining: list[int]) -> int:
    """Take the cut off what is left to pay; answers what it saves."""
    amounts = cut.take(remaining)
    for i, amount in zip(cut.lines, amounts, strict=True):
        remaining[i] -= amount
    return sum(amounts)
