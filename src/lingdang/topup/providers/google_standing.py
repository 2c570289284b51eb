"""How a purchase stands by what Google Play says of it and its order. Nothing here asks Google."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from lingdang.ids import MAX_AMOUNT
from lingdang.topup.money import Money, digits
from lingdang.topup.providers.checks import our_number
from lingdang.topup.providers.google_objects import PlayOrder, Price, Purchase
from lingdang.topup.providers.provider import Standing

_STATES: Mapping[str, Literal["open", "paid", "closed"]] = {
    "PURCHASED": "paid",
    "PENDING": "open",
    "CANCELLED": "closed",
    "CANCELED": "closed",
}
_ALL_BACK = frozenset({"REFUNDED", "CANCELED"})


def of_purchase(token: str, purchase: Purchase, order: PlayOrder | None, at: datetime) -> Standing:
    """By a purchase and its order; None where Google has no order for it, as for promotions. A purchase that was
    cancelled after it was paid, with money back, is one that was refunded."""
    state = _STATES.get(purchase.purchaseStateContext.purchaseState, "open")
    back = order is not None and order.state in _ALL_BACK
    if state == "closed" and order is not None and order.state == "REFUNDED":
        state = "paid"
    received = None if order is None or order.total is None else money(order.total)
    first = purchase.productLineItem[0] if purchase.productLineItem else None
    return Standing(
        topup_id=our_number(purchase.obfuscatedExternalAccountId),
        reference=token,
        state=state,
        at=at,
        received=received if state == "paid" else None,
        refunded=_refunded(order, received, back) if state == "paid" else None,
        store_product=None if first is None else first.productId,
        quantity=0 if first is None else first.productOfferDetails.quantity,
        payer_account=purchase.obfuscatedExternalAccountId,
        test=purchase.testPurchaseContext is not None,
        differs=() if len(purchase.productLineItem) == 1 else ("product",),
    )


def money(price: Price) -> Money:
    """An amount of Google's in minor units."""
    parts = (price.units * 10**9 + price.nanos) * 10 ** digits(price.currencyCode)
    return Money(int(parts // 10**9), price.currencyCode)


def _refunded(order: PlayOrder | None, received: Money | None, back: bool) -> int:
    if back:
        # Of a price that is not told, or of nothing, everything went back, whatever was agreed for it.
        return received.amount if received is not None and received.amount else MAX_AMOUNT
    events = () if order is None else order.orderHistory.partialRefundEvents
    return sum(money(event.refundDetails.total).amount for event in events if event.refundDetails is not None)
