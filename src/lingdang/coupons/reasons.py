"""Why a voucher cannot be used: a stable code, its figures, and a sentence in two languages."""

from typing import Any

import msgspec

SENTENCES: dict[str, tuple[str, str]] = {
    "used": ("This voucher has been used.", "该礼券已使用。"),
    "not_held": ("You do not hold this voucher.", "您没有这张礼券。"),
    "withdrawn": ("The shop has withdrawn this voucher.", "该礼券已被商家撤回。"),
    "paused": ("The shop has paused this voucher.", "该礼券已暂停使用。"),
    "expired": ("This voucher has expired.", "该礼券已过期。"),
    "not_started": ("This voucher is not valid yet.", "该礼券尚未到可用时间。"),
    "other_currency": ("This voucher is for orders in {currency}.", "该礼券仅适用于以 {currency} 支付的订单。"),
    "not_in_group": ("This voucher is not for your customer group.", "您所在的客户组不能使用该礼券。"),
    "not_first_purchase": ("This voucher is for a first purchase only.", "该礼券仅限首次购买使用。"),
    "products_not_eligible": ("None of these products is eligible for this voucher.", "所选商品均不适用该礼券。"),
    "product_missing": ("This voucher is for {productId}, which is not in the order.", "订单中没有该礼券对应的商品 {productId}。"),
    "min_spend": ("Spend {missing} more bells on eligible products ({required} in all).", "适用商品还差 {missing} 铃铛（满 {required} 可用）。"),
    "min_count": ("Add {missing} more of the eligible products ({required} in all).", "适用商品还差 {missing} 件（满 {required} 件可用）。"),
    "saves_nothing": ("This voucher would save nothing on this order.", "该礼券用于此订单不会有任何优惠。"),
    "not_with": ("This voucher cannot be combined with another one of this order.", "该礼券不能与此订单的其他礼券同时使用。"),
    "too_many": ("An order takes at most {limit} vouchers.", "每个订单最多使用 {limit} 张礼券。"),
    "unknown_code": ("There is no such code.", "没有这个兑换码。"),
    "code_used": ("This code has been used already.", "该兑换码已被使用。"),
    "mistyped": ("A character of this code is wrong or missing.", "兑换码有字符输错或缺失。"),
    "sold_out": ("None of these vouchers is left.", "该礼券已被领完。"),
    "limit_reached": ("You have had as many of these vouchers as one customer may have.", "您领取该礼券的数量已达上限。"),
}  # fmt: skip


class Reason(msgspec.Struct, frozen=True):
    """A code of SENTENCES and its figures: amounts in whole bells, moments as RFC 3339, voucher ids."""

    code: str
    figures: dict[str, Any] = {}

    def explained(self) -> dict[str, Any]:
        """As answers show it: `{code, …figures, en, zh}`."""
        english, chinese = SENTENCES[self.code]
        return {
            "code": self.code,
            **self.figures,
            "en": english.format_map(self.figures),
            "zh": chinese.format_map(self.figures),
        }


def unusable(reasons: dict[str, Reason]) -> dict[str, Any]:
    """The members of a Problem `voucher_unusable`: which of what was named cannot be used, and why."""
    return {"voucherIds": list(reasons), "reasons": {name: reason.explained() for name, reason in reasons.items()}}
