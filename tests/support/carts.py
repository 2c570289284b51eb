"""The cart as a test sees it."""

import httpx

from lingdang.clock import system_clock
from support.buyer import Buyer
from support.shop import Shop


async def tick(buyer: Buyer, product_id: str, ticked: bool = True) -> httpx.Response:
    """PUT /v1/cart/items/{productId}."""
    return await buyer.shop.http.put(f"/v1/cart/items/{product_id}", json={"ticked": ticked}, headers=buyer.headers)


def end_session(buyer: Buyer) -> None:
    """End the buyer's session as a logout on another machine does."""
    session = buyer.shop.sessions.authenticate(f"Bearer {buyer.token}", buyer.cust_id, system_clock())
    buyer.shop.sql(
        "INSERT INTO session_end (bucket, customer, session_id, expires_at) VALUES (%s, %s, %s, %s)",
        (session.owner.bucket, session.owner.customer, session.session_id, session.expires_at),
    )


def rows(shop: Shop) -> list[tuple[object, ...]]:
    """Every cart's rows."""
    return shop.sql(
        "SELECT customer_id, product_id, ticked, added_at FROM cart_item JOIN customer USING (customer) ORDER BY 1, 2"
    )
