"""Top-ups and what became of them, run again in one wallet by rules written down once more.

Bells follow their money. What is left of a credit is what its lot holds beyond the newer credits, at most its own.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from proof.simulation.audit.evidence import Row, moment

Lots = dict[str, int]

BACK = ("takeback", "giveback", "freeze", "release")
"""The kinds of rows that come after a top-up's own, about it."""


@dataclass
class Credited:
    """A credit of the wallet, and what is taken back and frozen of it, by the lots that it came into."""

    seq: int
    lots: Lots
    money: int = 0
    taken: Lots = field(default_factory=dict)
    frozen: Lots = field(default_factory=dict)
    rows: int = 1

    def own(self, lot: str) -> int:
        return self.lots.get(lot, 0) - self.taken.get(lot, 0) - self.frozen.get(lot, 0)

    def bells(self, money: int) -> int:
        """As many of the bells as of the money."""
        return sum(self.lots.values()) * min(money, self.money) // self.money if self.money else 0


@dataclass(frozen=True)
class Wanted:
    """What a row about a top-up should be."""

    moved: Lots
    others: Lots
    of: Lots
    thawed: Lots


class Credits:
    """The credits of one wallet as its rows are run again."""

    def __init__(self) -> None:
        self._credits: dict[str, Credited] = {}

    def add(self, name: str, seq: int, lots: Lots, money: int = 0) -> None:
        """A credit that was just booked."""
        self._credits[name] = Credited(seq, lots, money)

    def drop(self, name: str) -> None:
        """One that was reversed."""
        self._credits.pop(name, None)

    def of(self, row: Row) -> Credited | None:
        """The top-up that a row is about."""
        return self._credits.get(f"topup {row['detail']['topupId']}")

    def count(self, row: Row) -> None:
        """Believe what a row says of its top-up: whether it is right was judged before."""
        credit = self.of(row)
        if credit is None:
            return
        credit.rows += 1
        sums, sign = _COUNTED[row["kind"]]
        _add(getattr(credit, sums), row["detail"]["of"], sign)
        _add(credit.frozen, row["detail"].get("thawed", []), -1)

    def wanted(self, row: Row, held: Lots) -> Wanted | None:
        """What a row should be in a wallet that holds these lots; None where nothing was to be done."""
        credit = self.of(row)
        if credit is None:
            return None
        detail, gone, frozen = row["detail"], _sum(credit.taken), _sum(credit.frozen)
        refunded = credit.bells(detail["refunded"])
        disputed = min(credit.bells(detail["disputed"]), sum(credit.lots.values()) - refunded)
        amount = {
            "takeback": refunded - gone,
            "giveback": gone - refunded,
            "freeze": disputed - frozen,
            "release": frozen - disputed,
        }[row["kind"]]
        if amount <= 0:
            return None
        rule = {"takeback": self._taken, "giveback": _given, "freeze": self._frozen, "release": _released}[row["kind"]]
        return rule(credit, amount, held)

    def _left(self, credit: Credited, held: Lots) -> Lots:
        newer = [each for each in self._credits.values() if each.seq > credit.seq]
        beyond = {lot: held.get(lot, 0) - sum(each.own(lot) for each in newer) for lot in credit.lots}
        return {lot: max(0, min(there, credit.own(lot))) for lot, there in beyond.items()}

    def _taken(self, credit: Credited, amount: int, held: Lots) -> Wanted:
        thawed = _first(credit.frozen, list(credit.lots), amount)
        own = _first(self._left(credit, held), list(credit.lots), amount - _sum(thawed))
        missing = amount - _sum(thawed) - _sum(own)
        rest = {lot: there - own.get(lot, 0) for lot, there in held.items()}
        paid_first = sorted(rest, key=lambda lot: (not lot.startswith("paid"), _end(lot)))
        others = _first(rest, paid_first, missing)
        spent = _first({lot: credit.own(lot) - own.get(lot, 0) for lot in credit.lots}, list(credit.lots), missing)
        moved: Lots = {}
        of: Lots = {}
        for part in (own, others):
            _add(moved, list(part.items()), -1)
        for part in (thawed, own, spent):
            _add(of, list(part.items()))
        legs = {"frozen": -_sum(thawed), "debt": _sum(others) - missing, **_cleared(of, 1)}
        return Wanted(moved, {name: n for name, n in legs.items() if n}, of, thawed)

    def _frozen(self, credit: Credited, amount: int, held: Lots) -> Wanted:
        of = _first(self._left(credit, held), list(credit.lots), amount)
        return Wanted({lot: -n for lot, n in of.items()}, {"frozen": _sum(of)}, of, {})


_COUNTED = {"takeback": ("taken", 1), "giveback": ("taken", -1), "freeze": ("frozen", 1), "release": ("frozen", -1)}


def _given(credit: Credited, amount: int, _: Lots) -> Wanted:
    of = _first(credit.taken, list(credit.lots)[::-1], amount)
    return Wanted(of, _cleared(of, -1), of, {})


def _released(credit: Credited, amount: int, _: Lots) -> Wanted:
    of = _first(credit.frozen, list(credit.lots)[::-1], amount)
    return Wanted(of, {"frozen": -_sum(of)}, of, {})


def _first(there: Lots, order: list[str], amount: int) -> Lots:
    """So much of what is there, in this order."""
    found: Lots = {}
    for lot in order:
        part = min(amount, there.get(lot, 0))
        if part > 0:
            found[lot] = part
            amount -= part
    return found


def _cleared(of: Lots, sign: int) -> Lots:
    cleared: Lots = {}
    _add(cleared, [(f"clearing:{lot.partition('@')[0]}", n) for lot, n in of.items()], sign)
    return cleared


def _add(sums: Lots, parts: Any, sign: int = 1) -> None:
    for lot, amount in parts:
        sums[lot] = sums.get(lot, 0) + sign * amount


def _sum(lots: Lots) -> int:
    return sum(lots.values())


def _end(lot: str) -> datetime:
    text = lot.partition("@")[2]
    return moment(text or "9999-01-01T00:00:00Z")
