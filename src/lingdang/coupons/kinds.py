"""What each kind of effect does to a basket. docs/vouchers.md says what else a new kind needs.

Each function answers the cut for the given eligible lines, or the reason why there is none. Items are counted from the
dearest, at the shop's prices; equal prices by productId.
"""

from functools import singledispatch

from lingdang.coupons.conditions import missing_count, refuse_spend
from lingdang.coupons.cuts import Amount, Cut, DownTo, Share
from lingdang.coupons.goods import Basket
from lingdang.coupons.model import BuyPay, Fixed, FixedPrice, FreeProduct, NthItem, Percent, SpendSave
from lingdang.coupons.reasons import Reason


@singledispatch
def cut_of(effect: object, lines: tuple[int, ...], basket: Basket) -> Cut | Reason:
    """What the effect takes off these lines."""
    raise AssertionError(f"no cut for {effect!r}")


@cut_of.register
def _percent(effect: Percent, lines: tuple[int, ...], basket: Basket) -> Cut:
    return Share(lines, effect.off, effect.cap)


@cut_of.register
def _fixed(effect: Fixed, lines: tuple[int, ...], basket: Basket) -> Cut:
    return Amount(lines, effect.amount)


@cut_of.register
def _spend_save(effect: SpendSave, lines: tuple[int, ...], basket: Basket) -> Cut | Reason:
    spent = sum(basket.goods[i].price for i in lines)
    refusal = refuse_spend(effect.spend, spent)
    if refusal is not None:
        return refusal
    amount = effect.save * (spent // effect.spend if effect.every else 1)
    return Amount(lines, amount if effect.cap is None else min(amount, effect.cap))


@cut_of.register
def _fixed_price(effect: FixedPrice, lines: tuple[int, ...], basket: Basket) -> Cut:
    return DownTo(lines, effect.price)


@cut_of.register
def _nth_item(effect: NthItem, lines: tuple[int, ...], basket: Basket) -> Cut | Reason:
    if len(lines) < effect.nth:
        return missing_count(effect.nth, len(lines))
    return Share(_dearest_first(lines, basket)[effect.nth - 1 :: effect.nth], effect.off)


@cut_of.register
def _buy_pay(effect: BuyPay, lines: tuple[int, ...], basket: Basket) -> Cut | Reason:
    if len(lines) < effect.buy:
        return missing_count(effect.buy, len(lines))
    ranked = _dearest_first(lines, basket)
    groups = len(ranked) // effect.buy
    free = [ranked[group * effect.buy + place] for group in range(groups) for place in range(effect.pay, effect.buy)]
    return Share(tuple(free), 100)


@cut_of.register
def _free_product(effect: FreeProduct, lines: tuple[int, ...], basket: Basket) -> Cut | Reason:
    line = next((i for i, good in enumerate(basket.goods) if good.product_id == effect.product_id), None)
    if line is None:
        return Reason("product_missing", {"productId": effect.product_id})
    return Share((line,), 100)


def _dearest_first(lines: tuple[int, ...], basket: Basket) -> tuple[int, ...]:
    return tuple(sorted(lines, key=lambda i: (-basket.goods[i].price, i)))
