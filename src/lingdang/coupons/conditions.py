"""Whether a voucher may be used on an order at all, and on which of its lines."""

from lingdang.clock import rfc3339
from lingdang.coupons.goods import Basket, Good, Voucher
from lingdang.coupons.labels import label, labels
from lingdang.coupons.model import Conditions, FreeProduct
from lingdang.coupons.reasons import Reason


def refuse(voucher: Voucher, basket: Basket) -> Reason | None:
    """What, apart from the lines, keeps this customer from using the voucher now."""
    return _refuse_state(voucher, basket) or _refuse_buyer(voucher, basket)


def _refuse_state(voucher: Voucher, basket: Basket) -> Reason | None:
    definition = voucher.definition
    if voucher.status != "active":
        return Reason(voucher.status)
    if voucher.expires_at <= basket.now:
        return Reason("expired", {"expiresAt": rfc3339(voucher.expires_at)})
    if definition.valid_from is not None and definition.valid_from > basket.now:
        return Reason("not_started", {"from": rfc3339(definition.valid_from)})
    if definition.currency != basket.currency:
        return Reason("other_currency", {"currency": definition.currency})
    return None


def _refuse_buyer(voucher: Voucher, basket: Basket) -> Reason | None:
    conditions = voucher.definition.conditions
    if conditions.groups is not None and not conditions.groups & basket.buyer.groups:
        return Reason("not_in_group")
    if conditions.first_purchase and not basket.buyer.first_purchase:
        return Reason("not_first_purchase")
    return None


def eligible(voucher: Voucher, basket: Basket) -> tuple[int, ...]:
    """The numbers of the lines that the voucher is for. A free product is not one of those that earn it."""
    definition = voucher.definition
    free = definition.effect.product_id if isinstance(definition.effect, FreeProduct) else None
    conditions = definition.conditions
    if conditions.admits_all and free is None:
        return basket.lines
    admitted = _Admitted(conditions)
    return tuple([i for i, good in enumerate(basket.goods) if good.product_id != free and admitted.admits(good)])


class _Admitted:
    """What the conditions say of lines; names as they are compared."""

    def __init__(self, conditions: Conditions) -> None:
        self._products = conditions.products
        self._excluded = conditions.excluded_products
        self._publishers = None if conditions.publishers is None else labels(conditions.publishers)
        self._categories = None if conditions.categories is None else labels(conditions.categories)

    def admits(self, good: Good) -> bool:
        return (
            (self._products is None or good.product_id in self._products)
            and (self._publishers is None or label(good.publisher or "") in self._publishers)
            and (self._categories is None or not self._categories.isdisjoint(labels(good.categories)))
            and (self._excluded is None or good.product_id not in self._excluded)
        )


def refuse_lines(conditions: Conditions, lines: tuple[int, ...], basket: Basket) -> Reason | None:
    """What is missing in the eligible lines."""
    if not lines:
        return Reason("products_not_eligible")
    if conditions.min_count is not None and len(lines) < conditions.min_count:
        return missing_count(conditions.min_count, len(lines))
    if conditions.min_spend is not None:
        return refuse_spend(conditions.min_spend, sum(basket.goods[i].price for i in lines))
    return None


def refuse_spend(required: int, spent: int) -> Reason | None:
    """`min_spend` with what is missing, if anything is."""
    if spent >= required:
        return None
    return Reason("min_spend", {"required": required, "missing": required - spent})


def missing_count(required: int, count: int) -> Reason:
    """`min_count` with what is missing."""
    return Reason("min_count", {"required": required, "missing": required - count})
