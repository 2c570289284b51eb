"""Combinations of vouchers: what they save together, and whether they may be combined.

Chosen combinations and named ones are asked the same by `refusals`.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from lingdang.coupons.cuts import Cut
from lingdang.coupons.model import Stacking
from lingdang.coupons.reasons import Reason

MAX_APPLIED = 20
"""An order takes at most this many vouchers."""


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


def apply(candidates: Sequence[Candidate], prices: Sequence[int]) -> Combination:
    """What these candidates save together, whether or not they may be combined."""
    ranked = tuple(sorted(candidates, key=lambda candidate: candidate.rank))
    remaining = list(prices)
    saves = tuple([take(candidate.cut, remaining) for candidate in ranked])
    discounts = tuple([price - left for price, left in zip(prices, remaining, strict=True)])
    return Combination(ranked, saves, discounts)


def take(cut: Cut, remaining: list[int]) -> int:
    """Take the cut off what is left to pay; answers what it saves."""
    amounts = cut.take(remaining)
    for i, amount in zip(cut.lines, amounts, strict=True):
        remaining[i] -= amount
    return sum(amounts)


def without_idle(combination: Combination) -> Combination:
    """The combination without those that save nothing. They took nothing, so the others save what they saved."""
    used = [(c, saves) for c, saves in zip(combination.candidates, combination.saves, strict=True) if saves]
    return msgspec.structs.replace(
        combination, candidates=tuple([c for c, _ in used]), saves=tuple([saves for _, saves in used])
    )


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


def refusals(combination: Combination) -> dict[str, Reason]:
    """Why which of the vouchers cannot be used like this, by voucherId: none, if the combination is allowed.

    They must go together, be no more than MAX_APPLIED, and each must save something: else it were used up in vain.
    """
    candidates = combination.candidates
    if len(candidates) > MAX_APPLIED:
        return {candidate.voucher_id: too_many() for candidate in candidates}
    if len(candidates) > 1:
        apart = {c.voucher_id: not_with(others) for c in candidates if (others := conflicts(c, candidates))}
        if apart:
            return apart
    pairs = zip(candidates, combination.saves, strict=True)
    return {candidate.voucher_id: Reason("saves_nothing") for candidate, saves in pairs if saves == 0}


def too_many() -> Reason:
    """An order takes no more."""
    return Reason("too_many", {"limit": MAX_APPLIED})


def not_with(others: Sequence[Candidate]) -> Reason:
    """These are in the way."""
    return Reason("not_with", {"voucherIds": [other.voucher_id for other in others]})
