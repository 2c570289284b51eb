"""Vouchers on one order: which can be used, why not, what each saves, and which are applied. Pure.

Amounts are whole bells. Without named vouchers the best allowed combination is applied; with them exactly those.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

import msgspec

from lingdang.coupons.combine import MAX_APPLIED, Candidate, Combination, apply, best, conflicts
from lingdang.coupons.conditions import eligible, refuse, refuse_lines
from lingdang.coupons.goods import Order, Voucher
from lingdang.coupons.kinds import cut_of
from lingdang.coupons.reasons import Reason, unusable
from lingdang.errors import Problem


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
    """What the vouchers do to an order: discounts by productId, what each applied voucher saves, all verdicts.

    `proven`: no allowed combination saves more.
    """

    discounts: dict[str, int]
    applied: tuple[tuple[str, int], ...]
    verdicts: list[Verdict]
    proven: bool


def decide(
    order: Order,
    vouchers: Sequence[Voucher],
    named: Collection[str] | None = None,
    gone: Mapping[str, Reason] = MappingProxyType({}),
) -> Decision:
    """Judge every voucher and apply the best combination, or exactly the `named` ones.

    `gone` tells what became of named vouchers that are not in hand. Raises Problem `voucher_unusable` with the reasons
    when not all of the named can be used together.
    """
    judged = dict(gone) | {voucher.voucher_id: judge(voucher, order) for voucher in vouchers}
    prices = [good.price for good in order.goods]
    if named is None:
        combination = best([c for c in judged.values() if isinstance(c, Candidate)], prices)
    else:
        combination = _exactly(named, judged, prices)
    discounts = zip([good.product_id for good in order.goods], combination.discounts, strict=True)
    applied = dict(zip([c.voucher_id for c in combination.candidates], combination.saves, strict=True))
    return Decision(
        dict(discounts),
        tuple(applied.items()),
        [
            _verdict(voucher, judged[voucher.voucher_id], applied.get(voucher.voucher_id), combination, prices)
            for voucher in vouchers
        ],
        combination.proven,
    )


def judge(voucher: Voucher, order: Order) -> Candidate | Reason:
    """The voucher by itself: what it takes off this order, or why it cannot be used."""
    refusal = refuse(voucher, order)
    if refusal is not None:
        return refusal
    definition = voucher.definition
    lines = eligible(voucher, order)
    refusal = refuse_lines(definition.conditions, lines, order)
    if refusal is not None:
        return refusal
    cut = cut_of(definition.effect, lines, order)
    if isinstance(cut, Reason):
        return cut
    if cut.saves([good.price for good in order.goods]) == 0:
        return Reason("saves_nothing")
    return Candidate(voucher.voucher_id, voucher.coupon_id, cut, definition.stacking, voucher.expires_at)


def _exactly(named: Collection[str], judged: dict[str, Candidate | Reason], prices: list[int]) -> Combination:
    """The named vouchers together. Raises Problem `voucher_unusable`."""
    found = {i: judged[i] for i in named}
    reasons = {i: reason for i, reason in found.items() if isinstance(reason, Reason)}
    candidates = [candidate for candidate in found.values() if isinstance(candidate, Candidate)]
    for candidate in candidates:
        if others := conflicts(candidate, candidates):
            reasons[candidate.voucher_id] = _not_with(others)
    if len(candidates) > MAX_APPLIED:
        reasons |= {candidate.voucher_id: Reason("too_many", {"limit": MAX_APPLIED}) for candidate in candidates}
    if reasons:
        raise Problem("voucher_unusable", **unusable(reasons))
    combination = apply(candidates, prices)
    pairs = zip(combination.candidates, combination.saves, strict=True)
    if idle := {c.voucher_id: Reason("saves_nothing") for c, saves in pairs if saves == 0}:
        raise Problem("voucher_unusable", **unusable(idle))
    return combination


def _not_with(others: Sequence[Candidate]) -> Reason:
    return Reason("not_with", {"voucherIds": [other.voucher_id for other in others]})


def _verdict(
    voucher: Voucher,
    judged: Candidate | Reason,
    applied: int | None,
    combination: Combination,
    prices: list[int],
) -> Verdict:
    """`applied` is what it saves in the combination, None if it is not in it."""
    saves, reason = applied or 0, None
    if isinstance(judged, Reason):
        reason = judged
    elif applied is None:
        saves = judged.cut.saves(prices)
        reason = _left_out(judged, combination, prices)
    definition = voucher.definition
    return Verdict(
        voucher_id=voucher.voucher_id,
        coupon_id=voucher.coupon_id,
        name=definition.name,
        kind=type(definition.effect).__struct_config__.tag,  # type: ignore[arg-type]
        usable=isinstance(judged, Candidate),
        saves=saves,
        applied=applied is not None,
        reason=None if reason is None else reason.explained(),
        expires_at=voucher.expires_at,
    )


def _left_out(candidate: Candidate, combination: Combination, prices: list[int]) -> Reason | None:
    """Why a usable voucher is not among the applied ones: it cannot be, or brings nothing more."""
    if others := conflicts(candidate, combination.candidates):
        return _not_with(others)
    if len(combination.candidates) >= MAX_APPLIED:
        return Reason("too_many", {"limit": MAX_APPLIED})
    with_it = apply([*combination.candidates, candidate], prices)
    return Reason("saves_nothing") if sum(with_it.saves) <= sum(combination.saves) else None
