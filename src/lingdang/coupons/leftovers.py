"""Why a usable voucher is not among the applied ones."""

from bisect import bisect
from collections.abc import Sequence

from lingdang.coupons.combine import MAX_APPLIED, Candidate, Combination, conflicts, not_with, take, too_many
from lingdang.coupons.reasons import Reason
from lingdang.coupons.search import take_units
from lingdang.coupons.work import Work


class Leftovers:
    """What is left out of one combination; `is_best`: it was chosen, and no allowed one saves more."""

    def __init__(self, combination: Combination, prices: Sequence[int], is_best: bool, work: Work) -> None:
        self._applied = combination.candidates
        self._saved = sum(combination.saves)
        self._is_best = is_best
        self._prices = prices
        self._work = work

    def reason(self, candidate: Candidate) -> Reason | None:
        """It cannot be used with those that are applied, or brings nothing more.

        None if it could be used too, or where to know that takes more than what is left of the work.
        """
        if others := conflicts(candidate, self._applied):
            return not_with(others)
        if len(self._applied) >= MAX_APPLIED:
            return too_many()
        return Reason("saves_nothing") if self._is_best or self._brings_nothing(candidate) else None

    def _brings_nothing(self, candidate: Candidate) -> bool:
        units = take_units(candidate) + sum([take_units(applied) for applied in self._applied])
        if not self._work.affords(units):
            return False
        self._work.spend(units)
        place = bisect([applied.rank for applied in self._applied], candidate.rank)
        remaining = list(self._prices)
        with_it = (*self._applied[:place], candidate, *self._applied[place:])
        return sum([take(applied.cut, remaining) for applied in with_it]) <= self._saved
