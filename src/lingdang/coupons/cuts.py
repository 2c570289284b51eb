"""The three ways to take bells off lines, to which every kind of effect comes down.

A cut is made for one order: it knows the numbers of the lines that it concerns. `remaining` is what is left to pay of
each line after the cuts before it. No cut takes more than is left, and what it saves on less is never more: the search
for the best combination relies on it.
"""

from collections.abc import Sequence

import msgspec

from lingdang.coupons.spread import spread


class Share(msgspec.Struct, frozen=True):
    """`percent` of the lines together, rounded down, at most `cap`; spread over them."""

    lines: tuple[int, ...]
    percent: int
    cap: int | None = None

    def saves(self, remaining: Sequence[int]) -> int:
        amount = sum([remaining[i] for i in self.lines]) * self.percent // 100
        return amount if self.cap is None or amount < self.cap else self.cap

    def take(self, remaining: Sequence[int]) -> list[int]:
        """What each line loses."""
        return _spread_over(self.lines, self.saves(remaining), remaining)


class Amount(msgspec.Struct, frozen=True):
    """`amount` off the lines together; spread over them."""

    lines: tuple[int, ...]
    amount: int

    def saves(self, remaining: Sequence[int]) -> int:
        left = sum([remaining[i] for i in self.lines])
        return self.amount if self.amount < left else left

    def take(self, remaining: Sequence[int]) -> list[int]:
        """What each line loses."""
        return _spread_over(self.lines, self.saves(remaining), remaining)


class DownTo(msgspec.Struct, frozen=True):
    """Each of the lines down to `price`."""

    lines: tuple[int, ...]
    price: int

    def saves(self, remaining: Sequence[int]) -> int:
        return sum(self.take(remaining))

    def take(self, remaining: Sequence[int]) -> list[int]:
        """What each line loses."""
        return [max(0, remaining[i] - self.price) for i in self.lines]


Cut = Share | Amount | DownTo


def _spread_over(lines: tuple[int, ...], amount: int, remaining: Sequence[int]) -> list[int]:
    return spread(amount, [remaining[i] for i in lines])
