"""Refunds: other shops' refunds beyond what was paid, made twice, recorded three times; access kept after one."""

import asyncio

import httpx
import pytest

from support.buyer import Buyer, buyer, give, stock
from support.refunds import bought, desk_of, owned, refund
from support.shop import Shop

Workers = tuple[Shop, Shop]


@pytest.fixture
async def ann(workers: Workers) -> Buyer:
    """Ann with 1,000 bells, in a shop of books of 60 and of 40."""
    stock(workers[0], "sixty", price=60)
    stock(workers[0], "forty", price=40)
    await give(workers[0], "ann", 1000)
    return buyer(workers[0])


async def test_pain_06_two_refunds_at_once_never_exceed_the_payment(workers: Workers, ann: Buyer) -> None:
    """juspay/hyperswitch #13182: of a payment of 100, two refunds of 60 both succeeded. Here 24 refunds of the line of
    60, each with an id of its own, reach two workers at once: one succeeds. Of 24 of all that is left one succeeds,
    with the 40; a refund names lines, never an amount."""
    one, _ = workers
    desk = await desk_of(one)
    order_id = await bought(ann, "sixty", "forty")
    sixties = await asyncio.gather(
        *(refund(workers[n % 2], desk, order_id, f"r-{n}", productIds=["sixty"]) for n in range(24))
    )
    assert sorted(answer.status_code for answer in sixties) == [200] + [409] * 23
    assert {answer.json().get("code") for answer in sixties} == {None, "already_refunded"}
    rest = await asyncio.gather(*(refund(workers[n % 2], desk, order_id, f"rest-{n}") for n in range(24)))
    assert [answer.json()["refunded"] for answer in rest if answer.status_code == 200] == [40]
    amount = await refund(one, desk, order_id, "amount", amount=60)
    assert (amount.status_code, amount.json()["code"]) == (400, "invalid_request")
    assert one.sql("SELECT kind, amount FROM transfer ORDER BY seq") == [
        ("credit", 1000),
        ("payment", -100),
        ("refund", 60),
        ("refund", 40),
    ]


async def test_pain_07_a_repeated_notice_of_a_refund_is_one_refund(workers: Workers, ann: Buyer) -> None:
    """saleor/apps #2446: a notification of a refund was repeated and made a second refund, as its key was made anew.
    Here the notice's own id is the refund's: delivered 24 times through two workers, and again after the book was
    bought once more, it is booked once; and a key that is made anew each time finds the line refunded already."""
    one, _ = workers
    desk = await desk_of(one)
    order_id = await bought(ann, "sixty", "forty")

    async def deliver(n: int, refund_id: str = "notice-1") -> httpx.Response:
        return await refund(workers[n % 2], desk, order_id, refund_id, productIds=["sixty"])

    answers = await asyncio.gather(*map(deliver, range(24)))
    assert {(answer.status_code, answer.text) for answer in answers} == {(200, answers[0].text)}
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    await bought(ann, "sixty")
    late = await asyncio.gather(*map(deliver, range(8)))
    assert {answer.text for answer in late} == {answers[0].text}
    anew = await asyncio.gather(*(deliver(n, f"made-anew-{n}") for n in range(8)))
    assert {(answer.status_code, answer.json()["code"]) for answer in anew} == {(409, "already_refunded")}
    assert await owned(ann) == {"sixty", "forty"}
    assert one.sql("SELECT amount FROM transfer WHERE kind = 'refund'") == [(60,)]


async def test_pain_21_access_ends_with_the_refund_which_is_recorded_once(workers: Workers, ann: Buyer) -> None:
    """antiwork/gumroad #7326, #5394, #6193: access was kept after a refund, lost on good purchases, and a refund was
    recorded three times. Here, when the refund is answered, both workers refuse the book, though both have just let
    its reader in, and neither refuses the other book; every list and figure has the refund once."""
    one, two = workers
    desk, other = await desk_of(one), buyer(two)
    order_id = await bought(ann, "sixty", "forty")
    for reader in (ann, other):
        assert (await reader.get("/v1/access", productId="sixty")).status_code == 204
    await asyncio.gather(*(refund(workers[n % 2], desk, order_id, productIds=["sixty"]) for n in range(3)))
    for reader in (ann, other):
        assert (await reader.get("/v1/access", productId="sixty")).status_code == 403
        assert (await reader.get("/v1/entitlements/sixty")).status_code == 404
        assert (await reader.get("/v1/read/sixty")).status_code == 403
        assert (await reader.get("/v1/access", productId="forty")).status_code == 204
        assert await owned(reader) == {"forty"}
        order = (await reader.get(f"/v1/orders/{order_id}")).json()
        assert (order["status"], [each["refunded"] for each in order["refunds"]]) == ("partly_refunded", [60])
        entries = (await reader.get("/v1/wallet/entries")).json()["items"]
        assert [(entry["kind"], entry["amount"], entry["balance"]) for entry in entries] == [
            ("refund", 60, 960),
            ("payment", -100, 900),
            ("credit", 1000, 1000),
        ]
    assert one.sql("SELECT account, sum(amount) FROM entry WHERE starts_with(account, 'revenue:') GROUP BY 1") == [
        ("revenue:Penguin", 40)
    ]
