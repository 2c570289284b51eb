"""Refunds for tests: the operators' desk, a customer's own, and what is left of an order afterwards."""

from typing import Any

import httpx

from lingdang.clock import system_clock
from lingdang.db.pool import Connection, connect_options
from lingdang.identity import api_keys
from support.buyer import Buyer, buyer, give, stock
from support.shop import Shop

SCOPES: tuple[api_keys.Scope, ...] = ("orders:refund", "entitlements:write", "wallets:credit", "coupons:write")


async def desk_of(shop: Shop) -> dict[str, str]:
    """Headers of an operators' key."""
    async with await Connection.connect(shop.database_url, **connect_options(False)) as connection:
        made = await api_keys.create_api_key(connection, "desk", SCOPES, system_clock())
    return {"Authorization": f"Bearer {made}"}


async def refund(
    shop: Shop, desk: dict[str, str], order_id: str, refund_id: str = "r-1", **asked: Any
) -> httpx.Response:
    """An operator's refund."""
    body = {"refundId": refund_id, "reason": "customer_request", **asked}
    return await shop.http.post(f"/v1/admin/orders/{order_id}/refunds", json=body, headers=desk)


async def own(ann: Buyer, order_id: str, refund_id: str = "m-1", **asked: Any) -> httpx.Response:
    """A customer's own refund."""
    body = {"refundId": refund_id, "reason": "customer_request", **asked}
    return await ann.shop.http.post(f"/v1/orders/{order_id}/refunds", json=body, headers=ann.headers)


async def refundable(shop: Shop, desk: dict[str, str], order_id: str, **params: Any) -> dict[str, Any]:
    """What an operator is told would come back."""
    answer = await shop.http.get(f"/v1/admin/orders/{order_id}/refundable", params=params, headers=desk)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def bought(ann: Buyer, *product_ids: str, **body: Any) -> str:
    """The id of an order that was paid for just now."""
    order = await ann.checkout(*product_ids, **body)
    answer = await ann.send(ann.payment(order["orderToken"], product_ids))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["orderId"])


async def owned(ann: Buyer) -> set[str]:
    """What the customer owns, up to a page of it."""
    return {item["productId"] for item in (await ann.get("/v1/entitlements", limit=200)).json()["items"]}


async def ann_among_books(shop: Shop) -> Buyer:
    """Ann with 1,000 paid bells, in a shop of five books of 100."""
    stock(shop, "a", "b", "c", "d", "e")
    await give(shop, "ann", 1000)
    return buyer(shop)
