"""Sharing a discount out over lines, in whole bells."""

from collections.abc import Sequence


def spread(total: int, weights: Sequence[int]) -> list[int]:
    """Share `total` out in proportion to `weights` by the method of largest remainder (Hamilton's).

    0 ≤ total ≤ Σ weights; the parts sum to `total`, and none is larger than its weight. Equal remainders are served in
    the weights' order.
    """
    whole = sum(weights)
    if total == 0:
        return [0] * len(weights)
    assert 0 < total <= whole, "a discount is never more than what it is taken from"
    parts = [total * weight // whole for weight in weights]
    missing = total - sum(parts)
    if not missing:
        return parts
    # A remainder is total*w mod whole; where it is 0 the part is exact, and there are never enough missing to reach it.
    remainders = [-(total * weight % whole) for weight in weights]
    by_remainder = sorted(range(len(weights)), key=remainders.__getitem__)
    for i in by_remainder[:missing]:
        parts[i] += 1
    return parts
