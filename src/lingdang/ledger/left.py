"""How much of a credit is left, computed from the journal: lots are few, and no bell has a name.

Within a lot the newest credits are left, as if spending marked the oldest bells and a refund unmarked the newest
marked: what is left of a credit is what the lot holds beyond the effective amounts of newer credits, at most its own.
Effective is what came in and was neither taken back nor frozen. Bells that no credit explains (a refund into a later
end, say) are left of none.
"""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from lingdang.ledger import adjusting, crediting, debts, lots, redeeming, reversing, taken, topping_up
from lingdang.ledger.state import Row

Lotted = dict[str, int]
"""Bells by lot."""


class Credit(msgspec.Struct, kw_only=True):
    """A credit and what became of it. `lots` are those that it came into, in whose order it is taken back.

    `rows` counts the rows that tell of it, its own too.
    """

    seq: int
    lots: Lotted
    taken: Lotted = msgspec.field(default_factory=dict)
    frozen: Lotted = msgspec.field(default_factory=dict)
    rows: int = 1

    def effective(self, lot: str) -> int:
        """What came into a lot and was neither taken back nor frozen."""
        return self.lots.get(lot, 0) - self.taken.get(lot, 0) - self.frozen.get(lot, 0)


def credits_of(rows: Iterable[Row]) -> dict[str, Credit]:
    """The credits among a wallet's rows, by kind and id, each as the rows leave it.

    What became of credits whose own rows are not among them is passed over: they are older.
    """
    found: dict[str, Credit] = {}
    for row in rows:
        if row.kind in _CREDITED:
            named, came_into = _CREDITED[row.kind](row)
            if came_into:
                found[named] = Credit(seq=row.seq, lots=came_into)
        elif row.kind in _CHANGED:
            detail = taken.detail_of(row)
            credit = found.get(topup_key(str(detail.topup_id)))
            if credit is not None:
                credit.rows += 1
                _CHANGED[row.kind](credit, detail)
        elif row.kind == reversing.KIND:
            found.pop(f"{crediting.KIND} {reversing.detail_of(row).credit_id}", None)
    return found


def topup_key(topup_id: str) -> str:
    """By what `credits_of` has a top-up."""
    return f"{topping_up.KIND} {topup_id}"


def left(credits: Iterable[Credit], which: Credit, held: lots.Lots) -> Lotted:
    """What is left of a credit in each lot that it came into. `credits` has all newer ones; `held` are live lots."""
    newer = [credit for credit in credits if credit.seq > which.seq]
    holds = dict(zip(*held, strict=True))
    return {
        lot: max(0, min(holds.get(lot, 0) - sum([credit.effective(lot) for credit in newer]), which.effective(lot)))
        for lot in which.lots
    }


def _topup(row: Row) -> tuple[str, Lotted]:
    detail = topping_up.detail_of(row)
    return topup_key(str(detail.topup_id)), dict(detail.lots)


def _credit(row: Row) -> tuple[str, Lotted]:
    credit = crediting.read(row)
    return f"{crediting.KIND} {credit.credit_id}", {credit.lot: credit.amount}


def _gift(row: Row) -> tuple[str, Lotted]:
    gift = redeeming.read(row)
    return f"{redeeming.KIND} {gift.gift_id}", {gift.lot: gift.amount}


def _adjustment(row: Row) -> tuple[str, Lotted]:
    """An adjustment downwards is spending."""
    adjusted = adjusting.read(row)
    came_into = {adjusted.lots[0][0]: debts.came(row)} if debts.came(row) > 0 else {}
    return f"{adjusting.KIND} {adjusted.adjustment_id}", came_into


def _taken_back(credit: Credit, detail: taken.Detail) -> None:
    _add(credit.taken, detail.of)
    _add(credit.frozen, detail.thawed, -1)


def _given_back(credit: Credit, detail: taken.Detail) -> None:
    _add(credit.taken, detail.of, -1)


def _frozen(credit: Credit, detail: taken.Detail) -> None:
    _add(credit.frozen, detail.of)


def _released(credit: Credit, detail: taken.Detail) -> None:
    _add(credit.frozen, detail.of, -1)


def _add(sums: Lotted, parts: Iterable[tuple[str, int]], sign: int = 1) -> None:
    for lot, amount in parts:
        sums[lot] = sums.get(lot, 0) + sign * amount


_CREDITED: Mapping[str, Callable[[Row], tuple[str, Lotted]]] = {
    topping_up.KIND: _topup,
    crediting.KIND: _credit,
    redeeming.KIND: _gift,
    adjusting.KIND: _adjustment,
}
_CHANGED: Mapping[str, Callable[[Credit, taken.Detail], None]] = {
    taken.TAKEBACK: _taken_back,
    taken.GIVEBACK: _given_back,
    taken.FREEZE: _frozen,
    taken.RELEASE: _released,
}
KINDS = frozenset({*_CREDITED, *_CHANGED, reversing.KIND})
"""The kinds of rows that tell of credits and what became of them."""
