"""POST /v1/admin/wallets/{custId}/adjustments: a balance corrected once, reconciled like all that moves bells."""

import asyncio
from typing import Any

import httpx
import pytest

from support.buyer import books, buyer, give, stock
from support.people import api_key
from support.shop import Shop
from support.vouchers import differences


@pytest.fixture
async def desk(shop: Shop) -> dict[str, str]:
    """The headers of a key that may adjust; Ann has 100 paid bells."""
    await give(shop, "ann", 100)
    return await api_key(shop, "wallets:adjust")


async def adjust(shop: Shop, desk: dict[str, str], cust_id: str = "ann", **changed: Any) -> httpx.Response:
    """Thirty bells less as `a-1`, unless changed."""
    body = {"adjustmentId": "a-1", "amount": -30, "reason": "credited twice", "note": "ticket 7"} | changed
    return await shop.http.post(f"/v1/admin/wallets/{cust_id}/adjustments", json=body, headers=desk)


async def test_it_is_booked_once_and_the_customer_sees_it(shop: Shop, desk: dict[str, str]) -> None:
    first, again = [await adjust(shop, desk) for _ in "12"]
    assert (first.status_code, again.status_code, again.headers["idempotent-replayed"]) == (200, 200, "true")
    assert again.json() == first.json()
    told = first.json()
    assert (told["amount"], told["balance"], told["custId"], told["currency"]) == (-30, 70, "ann", "BELL")
    assert told["lots"] == [{"kind": "paid", "amount": -30, "expiresAt": None}]
    up = (await adjust(shop, desk, adjustmentId="a-2", amount=5)).json()
    assert (up["balance"], up["lots"]) == (75, [{"kind": "bonus", "amount": 5, "expiresAt": None}])
    ann = buyer(shop)
    entries = (await ann.get("/v1/wallet/entries")).json()["items"]
    assert [(each["kind"], each["reference"], each["amount"]) for each in entries] == [
        ("adjustment", "a-2", 5),
        ("adjustment", "a-1", -30),
        ("credit", entries[2]["reference"], 100),
    ]
    assert "ticket 7" not in str(entries)
    [balance] = (await ann.get("/v1/wallet")).json()["balances"]
    assert (balance["balance"], balance["paid"], balance["bonus"]) == (75, 70, 5)
    assert differences(shop) == []


async def test_never_below_0(shop: Shop, desk: dict[str, str]) -> None:
    before = books(shop)
    refused = await adjust(shop, desk, amount=-101)
    assert (refused.status_code, refused.json()["code"]) == (402, "insufficient_bells")
    assert [refused.json()[name] for name in ("required", "balance", "shortfall")] == [101, 100, 1]
    assert books(shop) == before
    assert (await adjust(shop, desk, amount=-100)).json()["balance"] == 0
    assert differences(shop) == []


async def test_many_at_once_take_no_more_than_there_is(shop: Shop, desk: dict[str, str]) -> None:
    stock(shop, "book", price=50)
    ann = buyer(shop)
    answers = await asyncio.gather(
        ann.buy("book"), *(adjust(shop, desk, adjustmentId=f"a-{n}", amount=-20) for n in range(10))
    )
    taken = sum(20 for answer in answers[1:] if answer.status_code == 200)
    paid = 50 if answers[0].status_code == 200 else 0
    assert {answer.status_code for answer in answers} <= {200, 402}
    [balance] = (await ann.get("/v1/wallet")).json()["balances"]
    assert balance["balance"] == 100 - paid - taken >= 0
    assert differences(shop) == []


@pytest.mark.parametrize(
    ("cust_id", "changed", "status"),
    [
        ("nobody", {}, 404),
        ("ann", {"amount": 0}, 400),
        ("ann", {"amount": "5"}, 400),
        ("ann", {"amount": 1.5}, 400),
        ("ann", {"amount": 10**15 + 1}, 400),
        ("ann", {"reason": ""}, 400),
        ("ann", {"adjustmentId": "a b"}, 400),
        ("ann", {"kind": "paid"}, 400),
        ("ann", {"amount": 10**15}, 409),
        ("ann", {"currency": "GEM"}, 402),
    ],
)
async def test_refused(shop: Shop, desk: dict[str, str], cust_id: str, changed: dict[str, Any], status: int) -> None:
    before = books(shop), shop.sql("SELECT * FROM customer")
    answer = await adjust(shop, desk, cust_id, **changed)
    assert answer.status_code == status, answer.text
    assert (books(shop), shop.sql("SELECT * FROM customer")) == before
