"""Vouchers on one order: which can be used, why not, what each saves, and which are applied. Pure.

Amounts are whole bells. Without named vouchers the best allowed combination is applied; with them exactly those.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

import msgspec

from lingdang.coupons.combine import Candidate, Combination, apply, refusals
from lingdang.coupons.goods import Basket, Voucher
from lingdang.coupons.judging import Judge
from lingdang.coupons.leftovers import Leftovers
from lingdang.coupons.reasons import Reason, unusable
from lingdang.coupons.search import search, take_units
from lingdang.coupons.work import Steps, Work, finish
from lingdang.errors import Problem

_VERDICT = 100
"""Units for a verdict, beside the lines."""

MAX_OTHERS = 100
"""Beside the usable vouchers, so many that cannot be used are shown with their reasons."""


class Verdict(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One voucher on this order.

    `usable`: on this order it can be used, alone at least. `saves`: what it takes off in the combination if it is
    `applied`, else what it would take off alone. `reason` tells why it is not usable, or not applied.
    """

    voucher_id: str
    coupon_id: str
    name: str
    kind: str
    usable: bool
    saves: int
    applied: bool
    expires_at: datetime
    reason: dict[str, Any] | None = None


class Decision(msgspec.Struct, frozen=True):
    """What the vouchers do to an order: discounts by productId, what each applied voucher saves, the verdicts.

    `proven`: no allowed combination saves more.
    """

    discounts: dict[str, int]
    applied: tuple[tuple[str, int], ...]
    verdicts: list[Verdict]
    proven: bool


def decide(
    basket: Basket,
    vouchers: Sequence[Voucher],
    named: Collection[str] | None = None,
    gone: Mapping[str, Reason] = MappingProxyType({}),
) -> Decision:
    """As `deciding`, all at once."""
    return finish(deciding(basket, vouchers, named, gone, Work()))


def deciding(
    basket: Basket,
    vouchers: Sequence[Voucher],
    named: Collection[str] | None,
    gone: Mapping[str, Reason],
    work: Work,
) -> Steps[Decision]:
    """Judge every voucher and apply the best combination, or exactly the `named` ones.

    `gone` tells what became of named vouchers that are not in hand. All usable vouchers have a verdict, and the first
    MAX_OTHERS of the others. Raises Problem `voucher_unusable` with the reasons when not all of the named can be used
    together.
    """
    judge = Judge(basket)
    judged: dict[str, Candidate | Reason] = dict(gone)
    for voucher in vouchers:
        work.spend(judge.units(voucher))
        if work.slice_is_over():
            yield
        judged[voucher.voucher_id] = judge.judge(voucher)
    prices = [good.price for good in basket.goods]
    work.reserve(_verdict_units(prices) * len(vouchers))
    if named is None:
        combination = yield from search([c for c in judged.values() if isinstance(c, Candidate)], prices, work)
        assert not refusals(combination), "what is chosen is what may be named"
    else:
        combination = _exactly(named, judged, prices)
        work.spend(sum([take_units(c) for c in combination.candidates]))
    applied = dict(zip([c.voucher_id for c in combination.candidates], combination.saves, strict=True))
    leftovers = Leftovers(combination, prices, is_best=named is None and combination.proven, work=work)
    verdicts = yield from _verdicts(vouchers, judged, applied, prices, leftovers, work)
    discounts = zip([good.product_id for good in basket.goods], combination.discounts, strict=True)
    return Decision(dict(discounts), tuple(applied.items()), verdicts, combination.proven)


def judge(voucher: Voucher, basket: Basket) -> Candidate | Reason:
    """The voucher by itself: what it takes off this order, or why it cannot be used."""
    return Judge(basket).judge(voucher)


def _exactly(named: Collection[str], judged: Mapping[str, Candidate | Reason], prices: list[int]) -> Combination:
    """The named vouchers together. Raises Problem `voucher_unusable`."""
    found = {i: judged[i] for i in named}
    reasons = {i: reason for i, reason in found.items() if isinstance(reason, Reason)}
    combination = apply([candidate for candidate in found.values() if isinstance(candidate, Candidate)], prices)
    reasons |= refusals(combination)
    if reasons:
        raise Problem("voucher_unusable", **unusable(reasons))
    return combination


def _verdict_units(prices: Sequence[int]) -> int:
    """What a verdict takes: most of it is what the voucher would save alone."""
    return _VERDICT + len(prices)


_Told = tuple[int, dict[str, Any] | None]
"""What a voucher saves, and why it is not applied."""


def _verdicts(
    vouchers: Sequence[Voucher],
    judged: Mapping[str, Candidate | Reason],
    applied: Mapping[str, int],
    prices: Sequence[int],
    leftovers: Leftovers,
    work: Work,
) -> Steps[list[Verdict]]:
    verdicts, others = [], 0
    left_out: dict[str, _Told] = {}
    for voucher in vouchers:
        work.spend_reserved(_verdict_units(prices))
        if work.slice_is_over():
            yield
        found, told = judged[voucher.voucher_id], left_out.get(voucher.coupon_id)
        if isinstance(found, Reason):
            others += 1
            if others > MAX_OTHERS:
                continue
            told = (0, found.explained())
        elif voucher.voucher_id in applied:
            told = (applied[voucher.voucher_id], None)
        elif told is None:
            # What is said of one voucher of a coupon holds for all that are left out of it.
            reason = leftovers.reason(found)
            explained = None if reason is None else reason.explained()
            told = left_out[voucher.coupon_id] = (found.cut.saves(prices), explained)
        verdicts.append(_verdict(voucher, isinstance(found, Candidate), voucher.voucher_id in applied, told))
    return verdicts


def _verdict(voucher: Voucher, usable: bool, applied: bool, told: _Told) -> Verdict:
    definition = voucher.definition
    return Verdict(
        voucher_id=voucher.voucher_id,
        coupon_id=voucher.coupon_id,
        name=definition.name,
        kind=type(definition.effect).__struct_config__.tag,  # type: ignore[arg-type]
        usable=usable,
        saves=told[0],
        applied=applied,
        reason=told[1],
        expires_at=voucher.expires_at,
    )
