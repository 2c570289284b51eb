"""An offer that is given can be paid: with all in it as long as it may be, and however little a request may carry."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from lingdang.checkout.order_token import MAX_TOKEN_LENGTH
from lingdang.ids import MAX_AMOUNT, MAX_LINES, MAX_PRICE
from lingdang.keys import Keyring
from support.buyer import Buyer, books, buyer, give
from support.people import api_key
from support.shop import Shop, open_shop
from support.vouchers import all_books, differences, hold

BELL = "\U0001f514"
"""A character of four bytes."""
IDS = [f"{n:03}".rjust(64, "p") for n in range(MAX_LINES)]
VOUCHERS = 20


async def write(shop: Shop, product_id: str, **members: Any) -> None:
    """PUT a product whose texts are as long as they may be."""
    longest = {"title": BELL * 300, "publisher": product_id[-3:] + BELL * 197, "intro": BELL * 50, "price": MAX_PRICE}
    headers = await api_key(shop, "catalog:write", name=product_id[-8:])
    answer = await shop.http.put(f"/v1/admin/products/{product_id}", json=longest | members, headers=headers)
    assert answer.status_code == 201, answer.text


@pytest.fixture
async def ann(shop: Shop) -> Buyer:
    """A buyer with as many bells as a wallet holds, a name as long as it may be, and the longest products on sale."""
    for product_id in IDS:
        await write(shop, product_id)
    one = buyer(shop, "c" * 128)
    await give(shop, one.cust_id, MAX_AMOUNT)
    return one


def give_vouchers(shop: Shop, cust_id: str) -> None:
    """Twenty vouchers that go together."""
    definition = {"name": BELL * 100, "effect": {"kind": "fixed", "amount": 10**13}, "stacking": {"group": None}}
    for number in range(VOUCHERS):
        shop.sql(
            "INSERT INTO coupon (coupon_id, definition, status, per_customer, created_at, updated_at)"
            " VALUES (%s, %s, 'active', 1, now(), now())",
            (f"c{number}", msgspec.json.encode(definition).decode()),
        )
        hold(shop, cust_id, f"c{number}")


async def test_the_longest_offer_is_paid(ann: Buyer) -> None:
    give_vouchers(ann.shop, ann.cust_id)
    offer = await ann.checkout(*IDS)
    assert 4 * MAX_TOKEN_LENGTH // 5 < len(offer["orderToken"]) < MAX_TOKEN_LENGTH
    assert (offer["subtotal"], offer["total"]) == (MAX_AMOUNT, MAX_AMOUNT - VOUCHERS * 10**13)
    paid = await ann.send(ann.payment(offer["orderToken"], IDS))
    assert (paid.status_code, paid.json().get("balance")) == (200, VOUCHERS * 10**13), paid.text
    order = (await ann.get(f"/v1/orders/{offer['orderId']}")).json()
    assert [line["title"] for line in order["lines"]] == [BELL * 300] * MAX_LINES
    assert len(order["vouchers"]) == VOUCHERS
    assert differences(ann.shop) == []


@pytest.fixture
async def narrow(database_url: str, keyring: Keyring) -> AsyncIterator[Shop]:
    """A shop whose requests may carry little."""
    async with open_shop(database_url, keyring, max_body_bytes=7600) as opened:
        yield opened


async def test_an_offer_that_no_request_could_carry_is_not_given(narrow: Shop) -> None:
    ann = buyer(narrow)
    for product_id in IDS[:10]:
        await write(narrow, product_id, price=1)
    await give(narrow, "ann", 100)
    before = books(narrow)
    body = {"productIds": IDS[:10]}
    refused = await narrow.http.post("/v1/checkout", json=body, headers=ann.headers)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request"), refused.text
    [error] = refused.json()["errors"]
    assert error["path"] == "$.productIds"
    assert "7600 bytes" in error["message"]
    assert books(narrow) == before
    assert (await ann.buy(*IDS[:2])).status_code == 200


async def test_every_offer_that_is_given_is_paid(narrow: Shop) -> None:
    """On both sides of the limit, with everything beside the token at its longest and as widely spaced as JSON is."""
    await give(narrow, "ann", 100)
    for other in IDS[:2]:
        await write(narrow, other, price=0)
    given = {length: await checked_out_and_paid(narrow, length) for length in range(100, 300, 12)}
    assert set(given.values()) == {True, False}
    assert sorted(given.values(), reverse=True) == list(given.values()), "the shorter ones"


async def checked_out_and_paid(shop: Shop, length: int) -> bool:
    """Whether an offer was given with a title of so many characters; then it is paid."""
    one, product_id = buyer(shop, f"ann-{length}"), f"{length}".rjust(64, "p")
    await write(shop, product_id, price=0, title=BELL * length, publisher=None)
    wanted = [product_id, *IDS[:2]]
    answer = await shop.http.post("/v1/checkout", json={"productIds": wanted}, headers=one.headers)
    if answer.status_code == 400:
        assert "7600 bytes" in answer.text
        return False
    payment = one.payment(answer.json()["orderToken"], wanted, nonce="n" * 64)
    spaced = msgspec.json.format(msgspec.json.encode(payment), indent=2)
    headers = one.headers | {"Content-Type": "application/json"}
    paid = await shop.http.post("/v1/payments", content=spaced, headers=headers)
    assert paid.status_code == 200, paid.text
    return True


async def test_products_of_before_that_cost_more_than_an_order_may(shop: Shop) -> None:
    ann = buyer(shop)
    for product_id in IDS[:11]:
        await write(shop, product_id, price=0)
    shop.sql("UPDATE product SET price = %s, list_price = %s", (10**14, 10**14))
    before = all_books(shop)
    refused = await shop.http.post("/v1/checkout", json={"productIds": IDS[:11]}, headers=ann.headers)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request"), refused.text
    assert str(MAX_AMOUNT) in refused.json()["errors"][0]["message"]
    assert all_books(shop) == before
    assert (await ann.checkout(*IDS[:10]))["subtotal"] == MAX_AMOUNT
