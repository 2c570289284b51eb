"""The best allowed combination of vouchers: exact, by branch and bound, and bounded in its work.

Vouchers are considered in the order in which they are applied: each is taken, or left. A branch is left as soon as what
the vouchers still to come could save at most (what each would save on what is left now, of one group only the best: by
the property of cuts it is never less than what they do save) brings nothing better than the best one known.

"Best" is decided by what is saved; then by fewer vouchers; then by the earlier ones in order of application.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from lingdang.coupons.combine import MAX_APPLIED, Candidate, Combination, apply, take, without_idle
from lingdang.coupons.work import Steps, Work, finish

_LOOK = 12
"""Units that a look at a voucher takes beside its lines."""
_TAKE = 12
"""Units for each line that a voucher takes something off."""

_Gain = tuple[int, Candidate]
"""What a candidate would save on what is left now."""
_Taken = tuple[Candidate, ...]


def best(candidates: Sequence[Candidate], prices: Sequence[int]) -> Combination:
    """The best allowed combination of candidates, each of which saves something alone."""
    return finish(search(candidates, prices, Work()))


def search(candidates: Sequence[Candidate], prices: Sequence[int], work: Work) -> Steps[Combination]:
    """As `best`, in steps, within what is left of the work. `proven` is False where that was not enough."""
    if len(candidates) < 2:
        return apply(candidates, prices)
    ranked = _worth_a_look(sorted(candidates, key=lambda candidate: candidate.rank))
    together = [c for c in ranked if not c.stacking.exclusive]
    alone = apply(_best_alone([c for c in ranked if c.stacking.exclusive], prices), prices)
    greedy = _best_of_each_group(together, prices)
    guess = without_idle(apply(greedy, prices))
    work.spend((_LOOK + len(prices)) * len(ranked) + sum([take_units(c) for c in greedy]))
    if work.slice_is_over():
        yield
    searched = _Search(prices, sum(guess.saves), work)
    yield from searched.run(together)
    chosen = min((apply(searched.best, prices), guess, alone), key=_preference)
    return msgspec.structs.replace(chosen, proven=searched.is_complete)


def take_units(candidate: Candidate) -> int:
    """What it takes to apply one."""
    return _LOOK + _TAKE * len(candidate.cut.lines)


def _worth_a_look(ranked: Sequence[Candidate]) -> list[Candidate]:
    """Vouchers of one coupon are alike: of those that go with no other of it, the first is as good as any."""
    seen: dict[str, int] = {}
    kept = []
    for candidate in ranked:
        count = seen[candidate.coupon_id] = seen.get(candidate.coupon_id, 0) + 1
        stacking = candidate.stacking
        if count <= (1 if stacking.exclusive or stacking.group is not None else MAX_APPLIED):
            kept.append(candidate)
    return kept


def _preference(combination: Combination) -> tuple[int, int, list[tuple[int, str, datetime, str]]]:
    """Less is better: more saved, then fewer vouchers, then earlier ones."""
    ranks = [candidate.rank for candidate in combination.candidates]
    return (-sum(combination.saves), len(ranks), ranks)


def _best_alone(candidates: Sequence[Candidate], prices: Sequence[int]) -> list[Candidate]:
    """Of those that go with no other, the best one; none of none."""
    return sorted(candidates, key=lambda candidate: (-candidate.cut.saves(prices), candidate.rank))[:1]


def _best_of_each_group(candidates: Sequence[Candidate], prices: Sequence[int]) -> list[Candidate]:
    """An allowed combination that is often near the best: the search need not look at what cannot reach it."""
    chosen: dict[tuple[str | None, str], _Gain] = {}
    for candidate in candidates:
        group, amount = candidate.stacking.group, candidate.cut.saves(prices)
        key = (group, candidate.voucher_id if group is None else "")
        if key not in chosen or amount > chosen[key][0]:
            chosen[key] = (amount, candidate)
    dearest = sorted(chosen.values(), key=lambda gain: (-gain[0], gain[1].rank))
    return [candidate for _, candidate in dearest[:MAX_APPLIED]]


class _Search:
    """Branch and bound over vouchers that are not exclusive; `least` is known to be reachable."""

    def __init__(self, prices: Sequence[int], least: int, work: Work) -> None:
        self._prices = prices
        self._look = _LOOK + len(prices)
        self._least = least
        self._work = work
        self.is_complete = True
        self.best: _Taken = ()
        self.best_saves = 0

    def run(self, ranked: Sequence[Candidate]) -> Steps[None]:
        yield from self._visit(ranked, list(self._prices), 0, ())

    def _visit(self, ranked: Sequence[Candidate], remaining: list[int], saved: int, taken: _Taken) -> Steps[None]:
        """Every combination that begins with `taken` and goes on with some of `ranked`."""
        if not self._affords(self._look * len(ranked)):
            return
        if self._work.slice_is_over():
            yield
        gains = [(amount, c) for c in ranked if (amount := c.cut.saves(remaining))]
        bounds = _bounds(gains)
        left_to_pay = sum(remaining)
        left_out = ""
        for place, (_, candidate) in enumerate(gains):
            if not self._promises(saved, min(bounds[place], left_to_pay), taken, gains[place:]):
                return
            if candidate.coupon_id == left_out:
                continue  # vouchers of one coupon are alike: the first is as good as any
            left_out = candidate.coupon_id
            if not self._affords(take_units(candidate)):
                return
            if self._work.slice_is_over():
                yield
            left = list(remaining)
            reached = saved + take(candidate.cut, left)
            now_taken = (*taken, candidate)
            self._keep(reached, now_taken)
            if len(now_taken) < MAX_APPLIED and reached + bounds[place + 1] >= max(self.best_saves, self._least):
                yield from self._visit(_beside(candidate, gains[place + 1 :]), left, reached, now_taken)

    def _affords(self, units: int) -> bool:
        """Count what is being done next; False, for good, when that is more than what is left."""
        if self.is_complete and self._work.affords(units):
            self._work.spend(units)
            return True
        self.is_complete = False
        return False

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
