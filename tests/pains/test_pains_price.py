"""The price between cart and payment: changed unseen elsewhere, or compared so hard that honest buyers were refused."""

from typing import Any

import pytest

from support.buyer import Buyer, books, buyer, give, stock
from support.carts import tick
from support.shop import Shop


@pytest.fixture
async def ann(shop: Shop) -> Buyer:
    stock(shop, "book-1", "book-2")
    await give(shop, "ann", 500)
    return buyer(shop)


async def test_pain_18_what_was_offered_is_what_is_paid(ann: Buyer) -> None:
    """saleor/storefront #620: the price changed between cart and payment, and the customer paid another one than was
    shown. Here a price that falls or rises after the tick shows at the checkout; one that changes after the checkout
    changes nothing: the offer is paid as it was offered, and the next one has the new price."""
    for product_id, price in (("book-1", 1), ("book-2", 499)):
        assert (await tick(ann, product_id)).json()["item"]["price"] == 100
        set_price(ann.shop, 120)
        order = await ann.checkout(product_id)
        assert order["total"] == 120
        set_price(ann.shop, price)
        newer = await ann.checkout(product_id)
        paid = await ann.send(ann.payment(order["orderToken"], [product_id]))
        assert (paid.json()["paid"], newer["total"]) == (120, price)
        assert (await ann.get(f"/v1/orders/{order['orderId']}")).json()["lines"][0]["payable"] == 120
        set_price(ann.shop, 100)
    assert ann.shop.sql("SELECT balance FROM wallet") == [(260,)]


def set_price(shop: Shop, price: int) -> None:
    shop.sql("UPDATE product SET price = %s, list_price = %s", (price, price))


CHANGED: dict[str, Any] = {
    "title": "A second edition",
    "intro": "Another intro",
    "publisher": "Another house",
    "list_price": 999,
    "cover_url": "https://covers.example/2.jpg",
    "popularity": 7,
    "attributes": '{"categories": "novel"}',
}


async def test_pain_18_an_honest_payment_is_not_refused_for_what_the_server_itself_changed(ann: Buyer) -> None:
    """antiwork/gumroad #7531: every field that the server had made was compared at the payment, and honest purchases
    failed. Here everything about the product that is not the customer's bargain changes after the checkout, a newer
    offer is made, and the payment goes through: what the client sends back is the token, its own list, and nothing
    that the server made."""
    order = await ann.checkout("book-1")
    ann.shop.sql(
        f"UPDATE product SET {', '.join(f'{column} = %s' for column in CHANGED)}, updated_at = now()",
        tuple(CHANGED.values()),
    )
    await ann.checkout("book-1")
    body = ann.payment(order["orderToken"], ["book-1"])
    assert set(body) == {"productIds", "timestamp", "nonce", "orderToken", "signType", "sign"}
    answer = await ann.send(body)
    assert (answer.status_code, answer.json()["paid"]) == (200, 100)
    line = (await ann.get(f"/v1/orders/{order['orderId']}")).json()["lines"][0]
    assert (line["title"], line["listPrice"]) == ("Title of book-1", 120), "the order stands as it was offered"


async def test_pain_18_a_price_is_not_the_clients_to_send(ann: Buyer) -> None:
    """The same issues, seen from the other side: no field of a price is taken from the client, so none can disagree."""
    order = await ann.checkout("book-1")
    before = books(ann.shop)
    for made_up in ({"total": 1}, {"price": 100}, {"currency": "BELL"}, {"lines": order["lines"]}):
        answer = await ann.send(ann.payment(order["orderToken"], ["book-1"]) | made_up)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert books(ann.shop) == before
