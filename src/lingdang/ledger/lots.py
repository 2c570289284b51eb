"""Lots: the pockets of a wallet. Bonus is spent before paid, the soonest to expire first.

A lot is named by what it holds: `paid`, `bonus`, or either with its expiry, `bonus@2026-12-31T00:00:00.000Z`.
Credits of one kind and one expiry share a lot, so that a refund finds the lot that its bells came from. A wallet with
many lots takes further expiries less finely, never sooner: no credit is refused for their number.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Literal

from lingdang.clock import rfc3339

LotKind = Literal["paid", "bonus"]

Lots = tuple[tuple[str, ...], tuple[int, ...]]
"""Names and what remains in each, more than 0, in the order in which they are spent."""

_WALLET = "wallet:"

APART = 200
"""Lots that expire, up to which every further expiry has a lot of its own; from then on each day's end has one, …"""
DAYS_APART = 400
"""… from so many on each month's end, …"""
MONTHS_APART = 500
"""… and from so many on each year's end. Days, months and years are those of UTC."""


def account_of(name: str) -> str:
    """The account of a lot in a row's legs."""
    return f"{_WALLET}{name}"


def of_legs(accounts: Iterable[str | int], amounts: Iterable[int]) -> list[tuple[str, int]]:
    """The lots among a row's legs, each with how much went into it (+) or came from it (−)."""
    legs = zip(accounts, amounts, strict=True)
    return [(a[len(_WALLET) :], amount) for a, amount in legs if isinstance(a, str) and a.startswith(_WALLET)]


def lot_name(kind: LotKind, expires_at: datetime | None) -> str:
    """The lot of this kind and expiry."""
    return kind if expires_at is None else f"{kind}@{rfc3339(expires_at)}"


def lot_for(lots: Lots, kind: LotKind, expires_at: datetime | None) -> str:
    """The lot that a credit goes into: the one of its expiry, or, in a wallet with many, the next one after it.

    That is one which is there before the end of the expiry's day, month or year, else that end itself.
    """
    name = lot_name(kind, expires_at)
    expiring = sum(["@" in held for held in lots[0]])
    if expires_at is None or expiring < APART or name in lots[0]:
        return name
    end = lot_name(kind, _end_of_period(expires_at.astimezone(UTC), expiring))
    return min([held for held in lots[0] if name < held < end], default=end)


def _end_of_period(moment: datetime, expiring: int) -> datetime:
    """The end of the moment's day, month or year, of which the moment itself may be the end."""
    start = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    following = start + timedelta(days=1)
    if expiring >= DAYS_APART:
        start = start.replace(day=1)
        following = (start + timedelta(days=31)).replace(day=1)
    if expiring >= MONTHS_APART:
        start = start.replace(month=1)
        following = start.replace(year=start.year + 1)
    return moment if moment == start else following


def lot_kind(name: str) -> LotKind:
    """`paid` or `bonus`."""
    return "paid" if name.startswith("paid") else "bonus"


def lot_expiry(name: str) -> datetime | None:
    """When the lot lapses, or None."""
    expiry = name.partition("@")[2]
    return datetime.fromisoformat(expiry).astimezone(UTC) if expiry else None


def spending_order(name: str) -> str:
    """Sorts lots: within a kind by expiry, without one last; `bonus` comes before `paid`."""
    return name if "@" in name else name + "~"


def taking_order(name: str) -> tuple[bool, str]:
    """Sorts lots as bells are taken back: `paid` comes before `bonus`, within a kind as they are spent."""
    return lot_kind(name) != "paid", spending_order(name)


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
    gone: list[tuple[str, int]] = []
    kept: list[tuple[str, int]] = []
    for pair in zip(*lots, strict=True):
        lapsed = "@" in pair[0] and pair[0].partition("@")[2] <= moment
        (gone if lapsed else kept).append(pair)
    return _unzip(kept), _unzip(gone)


def _unzip(pairs: list[tuple[str, int]]) -> Lots:
    return tuple(name for name, _ in pairs), tuple(amount for _, amount in pairs)
