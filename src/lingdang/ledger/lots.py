"""Lots: the pockets of a wallet. Bonus is spent before paid, the soonest to expire first.

A lot is named by what it holds: `paid`, `bonus`, or either with its expiry, `bonus@2026-12-31T00:00:00.000Z`.
Credits of one kind and one expiry share a lot, so that a refund finds the lot that its bells came from.
"""

from datetime import UTC, datetime

from lingdang.clock import rfc3339
from lingdang.ledger.commands import LotKind

Lots = tuple[tuple[str, ...], tuple[int, ...]]
"""Names and what remains in each, more than 0, in the order in which they are spent."""

MAX_LOTS = 200


def lot_name(kind: LotKind, expires_at: datetime | None) -> str:
    """The lot that a credit goes into."""
    return kind if expires_at is None else f"{kind}@{rfc3339(expires_at)}"


def lot_kind(name: str) -> str:
    """`paid` or `bonus`."""
    return name.partition("@")[0]


def lot_expiry(name: str) -> datetime | None:
    """When the lot lapses, or None."""
    expiry = name.partition("@")[2]
    return datetime.fromisoformat(expiry).astimezone(UTC) if expiry else None


def spending_order(name: str) -> str:
    """Sorts lots: within a kind by expiry, without one last; `bonus` comes before `paid`."""
    return name if "@" in name else name + "~"


def next_expiry(names: tuple[str, ...]) -> datetime | None:
    """The soonest expiry of these lots, or None."""
    expiries = [name.partition("@")[2] for name in names if "@" in name]
    return datetime.fromisoformat(min(expiries)).astimezone(UTC) if expiries else None


def add(lots: Lots, name: str, amount: int) -> Lots:
    """The lots with `amount` more in the one called `name`."""
    held = dict(zip(*lots, strict=True))
    held[name] = held.get(name, 0) + amount
    names = tuple(sorted(held, key=spending_order))
    return names, tuple(held[n] for n in names)


def take(lots: Lots, amount: int) -> tuple[Lots, Lots]:
    """Take `amount` in spending order. Returns what is left and what was taken from which lot.

    The lots must hold `amount`: the caller has compared it with the balance.
    """
    names, remaining = lots
    if amount == 0:
        return lots, ((), ())
    left = amount
    for index, held in enumerate(remaining):
        if left < held:
            kept = (names[index:], (held - left, *remaining[index + 1 :]))
            return kept, (names[: index + 1], (*remaining[:index], left))
        left -= held
        if left == 0:
            return (names[index + 1 :], remaining[index + 1 :]), (names[: index + 1], remaining[: index + 1])
    raise AssertionError("the lots hold less than the balance")


def lapse(lots: Lots, now: datetime) -> tuple[Lots, Lots]:
    """Split off the lots that have expired by `now`. Returns what is left and what lapsed."""
    moment = rfc3339(now)
    pairs = list(zip(*lots, strict=True))
    gone = [pair for pair in pairs if "@" in pair[0] and pair[0].partition("@")[2] <= moment]
    kept = [pair for pair in pairs if pair not in gone]
    return _unzip(kept), _unzip(gone)


def _unzip(pairs: list[tuple[str, int]]) -> Lots:
    return tuple(name for name, _ in pairs), tuple(amount for _, amount in pairs)
