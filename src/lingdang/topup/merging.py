"""What a top-up becomes by what its provider tells. Pure.

Every amount is a sum, so nothing is ever counted twice. A notification that is older than what is known changes none of
them, and of one that is as old the greater sum holds. An answer that was asked for is the truth.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from lingdang.topup.providers.checks import AHEAD
from lingdang.topup.providers.provider import Return, Standing
from lingdang.topup.rows import TopupRow

LIST = "list"
"""What differs of a top-up that is otherwise on its provider's list, or not on it."""

_SUMS = ("refunded", "disputed", "lost")


def merged(row: TopupRow, standing: Standing, now: datetime, *, exact: bool, tester: bool) -> TopupRow:
    """The top-up as it stands by what was told of it.

    `exact`: the provider was asked, and nothing has changed since. `tester`: play money is the customer's to use.
    """
    if row.paid_at is not None:
        if not exact and is_foreign(row, standing):
            return row
        in_ours = _in_money_of(row, standing)
        return msgspec.structs.replace(row, **_sums(row, in_ours, row.received, exact))
    # A refund may be told before its payment: it counts once the money is there.
    changed: dict[str, Any] = {"returns": with_returns(row.returns, standing.returns)}
    if standing.reference is not None:
        changed["reference"] = standing.reference
    if standing.state == "paid" and tells_all(row, standing):
        changed |= _received(row, standing, tester)
        changed |= _sums(row, standing, changed["received"], exact)
    elif standing.state == "closed" and row.closed is None:
        changed["closed"] = "expired" if now >= row.expires_at else "failed"
    return msgspec.structs.replace(row, **changed)


def _in_money_of(row: TopupRow, standing: Standing) -> Standing:
    """What came back in the money that the row has. A store may tell its price later than the payment: then the row has
    the agreed one, and as much of that came back as of the told one."""
    told, back = standing.received, standing.refunded
    if row.channel != "store" or told is None or not told.amount or told == row.money or not back:
        return standing
    return msgspec.structs.replace(standing, refunded=-(-back * row.received // told.amount))


def tells_all(row: TopupRow, standing: Standing) -> bool:
    """Whether it tells what was received. A store need not: there the product is compared, and no price."""
    return standing.received is not None or row.channel == "store"


def is_another(row: TopupRow, standing: Standing) -> bool:
    """Whether it is a second payment of what was paid already."""
    return (
        standing.state == "paid"
        and row.paid_at is not None
        and standing.reference is not None
        and row.reference not in (None, standing.reference)
    )


def is_foreign(row: TopupRow, standing: Standing) -> bool:
    """Whether it tells of a payment to somebody else, which has our number: what is not ours in it was ours before."""
    return row.paid_at is not None and not set(standing.differs) <= set(row.differs)


def is_doubtful(row: TopupRow, standing: Standing) -> bool:
    """Whether a sum that is not the known one is older by so little that the clocks, ours and the provider's, may be
    what differs."""
    older = [name for name, at in row.told.items() if timedelta(0) < at - standing.at <= AHEAD]
    return any(getattr(standing, name) not in (None, getattr(row, name)) for name in _SUMS if name in older)


def _received(row: TopupRow, standing: Standing, tester: bool) -> dict[str, Any]:
    """At a store the price is only recorded, and one that is not told is the agreed one."""
    money = standing.received
    missed = [each for each in row.differs if each != LIST]
    if money is None or (row.channel == "store" and money.amount == 0):
        money = row.agreed
    return {
        "received": money.amount,
        "received_currency": money.currency,
        "paid_at": standing.at,
        "test": standing.test,
        # What was decided of a payment that was missing is not decided of the money.
        "decided": None,
        "differs": tuple(dict.fromkeys([*missed, *_differences(row, standing, tester)])),
    }


def _differences(row: TopupRow, standing: Standing, tester: bool) -> Sequence[str]:
    """What of a payment is not what was agreed, in short words."""
    found = list(standing.differs)
    if standing.test and not tester:
        found.append("test")
    if row.channel == "store":
        return [*found, *_store_differences(row, standing)]
    if standing.received is not None and standing.received.amount != row.price:
        found.append("amount")
    if standing.received is not None and standing.received.currency != row.price_currency:
        found.append("currency")
    return found


def _store_differences(row: TopupRow, standing: Standing) -> Sequence[str]:
    found = {
        "product": standing.store_product != row.store_product,
        "quantity": standing.quantity != 1,
        "account": standing.payer_account is not None and standing.payer_account != str(row.topup_id),
    }
    return [name for name, differs in found.items() if differs]


def _sums(row: TopupRow, standing: Standing, received: int, exact: bool) -> dict[str, Any]:
    """The sums that came back, none of them beyond what was received."""
    returns = with_returns(row.returns, standing.returns)
    told = {name: value for name in _SUMS if (value := getattr(standing, name)) is not None}
    # A sum that was told is not lowered by single ones, which may not reach back to the first.
    singles = max(sum(each.amount for each in returns), row.refunded if "refunded" in row.told else 0)
    single = {"refunded": singles} if standing.returns or row.paid_at is None else {}
    sums = dict(single)
    known = dict(row.told)
    for name, value in told.items():
        known_sum = _sum(getattr(row, name), value, row.told.get(name), standing.at, exact)
        sums[name] = max(known_sum, single.get(name, 0))
        known[name] = max(standing.at, row.told.get(name, standing.at))
    return {**_bounded(row, sums, received), "returns": returns, "told": known}


def _sum(known: int, value: int, known_at: datetime | None, at: datetime, exact: bool) -> int:
    if exact or known_at is None or at > known_at:
        return value
    return max(known, value) if at == known_at else known


def _bounded(row: TopupRow, sums: Mapping[str, int], received: int) -> dict[str, int]:
    refunded = min(sums.get("refunded", row.refunded), received)
    lost = min(sums.get("lost", row.lost), received - refunded)
    disputed = min(sums.get("disputed", row.disputed), received - refunded - lost)
    return {"refunded": refunded, "lost": lost, "disputed": disputed}


def with_returns(known: Sequence[Return], told: Sequence[Return]) -> tuple[Return, ...]:
    """The single refunds that are known, with those that are told: each as it was last."""
    by_reference = {each.reference: each for each in known}
    for each in told:
        before = by_reference.get(each.reference)
        if before is None or _is_later(each, before):
            by_reference[each.reference] = each
    return tuple(by_reference.values())


def _is_later(told: Return, known: Return) -> bool:
    """Of two as old the greater one holds: money that went back stays there."""
    if told.at is None or known.at is None:
        return known.at is None
    return (told.at, told.amount) > (known.at, known.amount)
