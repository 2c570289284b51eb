"""Every route tried with another customer's ids, another customer's name, and without the right to it.

The routes come from the server's own description, so that a new one cannot be forgotten.
"""

from typing import Any

import pytest

from support.buyer import Buyer, buyer, give, stock
from support.described import placed, routes_of
from support.shop import Shop

PUBLIC = {
    ("get", "/.well-known/lingdang-receipt-keys"),
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("get", "/metrics"),
    ("post", "/v1/sessions"),
    ("get", "/v1/receipts/revoked"),
}
"""What asks for no session, beside the shop front's own files."""
WHOLE: dict[str, dict[str, Any]] = {"/refunds": {"refundId": "r-1", "reason": "other"}, "/links": {"seconds": 60}}
"""Bodies of routes that would refuse an empty one before they look for what it is about."""
SECRET_TITLE = "A title that only the owner of the order reads"


@pytest.fixture
async def ann(shop: Shop) -> Buyer:
    """Who owns something of everything."""
    stock(shop, "ann-book", "common-book")
    shop.sql("UPDATE product SET title = %s WHERE product_id = 'ann-book'", (SECRET_TITLE,))
    await give(shop, "ann", 777)
    who = buyer(shop)
    assert (await who.buy("ann-book")).status_code == 200
    await shop.http.put("/v1/cart/items/common-book", headers=who.headers)
    return who


async def call(shop: Shop, method: str, path: str, headers: dict[str, str]) -> Any:
    whole = next((body for end, body in WHOLE.items() if path.endswith(end)), {})
    body = {"json": whole} if method in ("put", "post", "patch") else {}
    return await shop.http.request(method, path, headers=headers, **body)


async def order_of(ann: Buyer) -> str:
    order_id: str = (await ann.get("/v1/orders")).json()["items"][0]["orderId"]
    return order_id


async def test_every_route_asks_who_it_is(shop: Shop, ann: Buyer) -> None:
    """Without a session; with nonsense; with a customer's session on an operator's route."""
    order_id = await order_of(ann)
    asked = 0
    for method, path, _ in await routes_of(shop):
        if (method, path) in PUBLIC or not path.startswith("/v1/"):
            continue
        asked += 1
        target = placed(path, order_id)
        for headers in ({}, {"Authorization": "Bearer x.y.z"}, {"Authorization": "Basic YTpi"}, {"X-Cust-Id": "ann"}):
            answer = await call(shop, method, target, headers)
            # A body is decoded before anybody is asked for, as the contract has it.
            assert answer.status_code in (400, 401), (method, path, answer.text)
            assert answer.json()["code"] in ("unauthenticated", "invalid_request"), (method, path)
            assert SECRET_TITLE not in answer.text
        if path.startswith("/v1/admin/"):
            answer = await call(shop, method, target, ann.headers)
            assert answer.status_code in (400, 401, 403), (method, path, answer.text)
    assert asked > 25


async def test_no_route_believes_the_header_that_names_a_customer(shop: Shop, ann: Buyer) -> None:
    order_id = await order_of(ann)
    bob = buyer(shop, "bob")
    for method, path, _ in await routes_of(shop):
        if path.startswith("/v1/admin/") or not path.startswith("/v1/") or (method, path) in PUBLIC:
            continue
        for name in ("ann", "ANN", "bob,ann", ""):
            answer = await call(shop, method, placed(path, order_id), bob.headers | {"X-Cust-Id": name})
            assert answer.status_code in (400, 401, 403), (method, path, name, answer.text)
            assert answer.json()["code"] in ("cust_mismatch", "invalid_request", "unauthenticated"), (method, path)


async def test_the_ids_of_others_open_nothing(shop: Shop, ann: Buyer) -> None:
    """Bob, rightly signed in, asks for everything by Ann's ids."""
    order_id = await order_of(ann)
    bob = buyer(shop, "bob")
    before = shop.sql("SELECT * FROM cart_item ORDER BY product_id"), shop.sql("SELECT * FROM transfer")
    allowed = {"/v1/products", "/v1/products/{productId}", "/v1/cart/items/{productId}", "/v1/vouchers"}
    for method, path, _ in await routes_of(shop):
        if path.startswith("/v1/admin/") or not path.startswith("/v1/") or path in allowed:
            continue
        # Notifications are providers', and a purchase is read before it is asked whose it is.
        if path.startswith(("/v1/sessions", "/v1/topups/notify/")) or path.endswith("/purchase"):
            continue
        answer = await call(shop, method, placed(path, order_id), bob.headers)
        assert SECRET_TITLE not in answer.text, (method, path)
        assert "777" not in answer.text.replace(answer.headers["x-request-id"], ""), (method, path)
        assert order_id not in answer.text.replace(str(answer.request.url), ""), (method, path)
        if "{" in path:
            assert answer.status_code in (403, 404), (method, path, answer.status_code, answer.text)
    assert (shop.sql("SELECT * FROM cart_item ORDER BY product_id"), shop.sql("SELECT * FROM transfer")) == before


async def test_a_page_of_another_customers_list_shows_ones_own(shop: Shop, ann: Buyer) -> None:
    """A cursor is a place, not a permission."""
    stock(shop, *(f"more-{n}" for n in range(3)))
    for n in range(3):
        await ann.buy(f"more-{n}")
    for path in ("/v1/orders", "/v1/wallet/entries", "/v1/entitlements", "/v1/wallet/statement"):
        cursor = (await ann.get(path, limit=1)).json().get("nextCursor")
        bob = buyer(shop, "bob")
        if cursor:
            answer = await bob.get(path, limit=1, cursor=cursor)
            assert answer.json().get("items", []) == [], path
            assert "more-" not in answer.text


async def test_bells_of_others_pay_nothing(shop: Shop, ann: Buyer) -> None:
    """Ann's order token in Bob's session, with Bob's signature over either name."""
    order = await ann.checkout("common-book")
    bob = buyer(shop, "bob")
    for more in ({}, {"custId": "ann"}):
        answer = await bob.send(bob.payment(order["orderToken"], ["common-book"]) | more)
        assert answer.json()["code"] in ("cust_mismatch", "invalid_request")
    assert shop.sql("SELECT balance FROM wallet JOIN customer USING (customer) WHERE customer_id = 'ann'") == [(677,)]
