"""A payment that was seen on the wire, sent again: by its sender, from elsewhere, later, and after the end."""

import asyncio
from typing import Any

import pytest

from support.buyer import Buyer, books, buyer, give, stock
from support.shop import Shop


@pytest.fixture
async def ann(shop: Shop) -> Buyer:
    stock(shop, "book-1", "book-2")
    await give(shop, "ann", 500)
    return buyer(shop)


async def wire(ann: Buyer) -> dict[str, Any]:
    return ann.payment((await ann.checkout("book-1"))["orderToken"], ["book-1"])


async def send(who: Buyer, body: dict[str, Any], headers: dict[str, str]) -> tuple[int, str]:
    answer = await who.shop.http.post("/v1/payments", json=body, headers=headers)
    return answer.status_code, answer.json().get("code", "")


@pytest.mark.parametrize("paid", [False, True])
async def test_in_another_session_it_is_nothing(ann: Buyer, paid: bool) -> None:
    """Of the same customer, and of another one, whether the order was paid meanwhile or not."""
    body = await wire(ann)
    if paid:
        assert (await ann.send(body)).status_code == 200
    before = books(ann.shop)
    for other in (buyer(ann.shop), buyer(ann.shop, "bob")):
        assert await send(ann, body, other.headers) == (403, "cust_mismatch")
        assert await send(ann, other.payment(body["orderToken"], ["book-1"]), other.headers) == (403, "cust_mismatch")
    assert books(ann.shop) == before


async def test_after_the_logout_not_even_the_answer_is_given_again(ann: Buyer) -> None:
    body, unpaid = await wire(ann), await wire(ann)
    assert (await ann.send(body)).status_code == 200
    ended = await ann.shop.http.delete("/v1/sessions/current", headers=ann.headers)
    assert ended.status_code == 204
    before = books(ann.shop)
    for each in (body, unpaid):
        assert await send(ann, each, ann.headers) == (401, "unauthenticated")
        again = buyer(ann.shop)
        assert await send(ann, each, again.headers) == (403, "cust_mismatch")
    assert books(ann.shop) == before


async def test_a_hundred_copies_at_once_are_one_payment(ann: Buyer) -> None:
    body = await wire(ann)
    answers = await asyncio.gather(*(ann.send(body) for _ in range(100)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert sorted(answer.headers.get("idempotent-replayed", "") for answer in answers).count("true") == 99
    assert ann.shop.sql("SELECT balance, seq FROM wallet") == [(400, 2)]


async def test_a_new_nonce_and_a_new_signature_are_the_same_order(ann: Buyer) -> None:
    """What makes a payment one is the order in the token, not what a client can make anew."""
    token = (await ann.checkout("book-1"))["orderToken"]
    first = await ann.send(ann.payment(token, ["book-1"]))
    before = books(ann.shop)
    for _ in range(5):
        again = await ann.send(ann.payment(token, ["book-1"]))
        assert again.json() == first.json()
    assert books(ann.shop) == before


async def test_a_refused_payment_sent_again_is_refused_again(ann: Buyer) -> None:
    """Nothing of a refusal is kept that a second try could use."""
    body = await wire(ann) | {"sign": "0" * 64}
    for _ in range(3):
        assert await send(ann, body, ann.headers) == (403, "sign_invalid")
    assert ann.shop.sql("SELECT balance FROM wallet") == [(500,)]
