"""A customer in debt, over HTTP: what they are told, what they can still do, and how they get out of it."""

import pytest

from lingdang.ledger.rules import Command
from support.buyer import Buyer, buyer, give, stock
from support.customers import key_of
from support.ledger import take_back, topup
from support.money import open_settlement
from support.refunds import desk_of, refund
from support.shop import Shop
from support.vouchers import differences

ANN = key_of("ann")


async def settle(shop: Shop, *commands: Command) -> None:
    async with open_settlement(shop.database_url) as settlement:
        for command in commands:
            await settlement.submit(command)


@pytest.fixture
async def ann(shop: Shop) -> Buyer:
    """She topped up 100, bought a book for 60, and has her money back: she owes 60."""
    stock(shop, "book", "other", price=60)
    stock(shop, "free", price=0)
    stock(shop, "cheap", price=30)
    each = buyer(shop)
    await give(shop, "ann", 1)
    await settle(shop, topup(1, 100, customer=ANN))
    assert (await each.buy("book")).status_code == 200
    await settle(shop, take_back(1, 100, customer=ANN))
    return each


async def test_a_debt_is_told_and_refuses_payments_above_nothing_alone(shop: Shop, ann: Buyer) -> None:
    [balance] = (await ann.get("/v1/wallet")).json()["balances"]
    assert (balance["balance"], balance["debt"], balance["frozen"]) == (0, 59, 0)
    order = await ann.checkout("cheap")
    assert order["wallet"] == {"balance": 0, "sufficient": False, "shortfall": 89}
    refused = await ann.send(ann.payment(order["orderToken"], ["cheap"]))
    assert (refused.status_code, refused.json()["code"], refused.json()["debt"]) == (402, "wallet_in_debt", 59)
    chinese = await shop.http.post(
        "/v1/payments",
        json=ann.payment(order["orderToken"], ["cheap"]),
        headers={**ann.headers, "Accept-Language": "zh-CN"},
    )
    assert "欠" in chinese.json()["detail"]
    free = await ann.checkout("free")
    assert free["wallet"] == {"balance": 0, "sufficient": True, "shortfall": 0}
    assert (await ann.send(ann.payment(free["orderToken"], ["free"]))).status_code == 200
    await give(shop, "ann", 89)
    paid = await ann.send(ann.payment(order["orderToken"], ["cheap"]))
    assert (paid.status_code, paid.json()["balance"]) == (200, 0)
    assert differences(shop) == []


async def test_what_comes_in_is_told_in_full(shop: Shop, ann: Buyer) -> None:
    desk = await desk_of(shop)
    [order] = (await ann.get("/v1/orders")).json()["items"]
    answer = (await refund(shop, desk, order["orderId"], "r-1")).json()
    lot = {"lot": "paid", "kind": "paid", "amount": 60, "expiresAt": None}
    assert (answer["refunded"], answer["debtPaid"], answer["balance"], answer["lots"]) == (60, 59, 1, [lot])
    again = (await refund(shop, desk, order["orderId"], "r-1")).json()
    assert again == answer
    [shown] = (await ann.get(f"/v1/orders/{order['orderId']}")).json()["refunds"]
    assert (shown["refunded"], shown["lapsed"]) == (60, 0)
    [first, taken, *_] = (await ann.get("/v1/wallet/entries")).json()["items"]
    assert (first["kind"], first["amount"], first["debt"], first["balance"]) == ("refund", 1, -59, 1)
    assert (taken["kind"], taken["amount"], taken["debt"], taken["lots"]) == (
        "takeback",
        -41,
        59,
        [{"kind": "paid", "amount": -41, "expiresAt": None}],
    )
    assert taken["reference"] == str(topup(1).topup_id)
    assert differences(shop) == []


async def test_what_is_disputed_stands_beside_the_balance(shop: Shop) -> None:
    await settle(shop, topup(1, 100, customer=ANN), topup(2, 50, customer=ANN, currency="GEM"))
    await settle(shop, take_back(1, 20, 30, customer=ANN), take_back(2, 0, 50, customer=ANN))
    found = (await buyer(shop).get("/v1/wallet")).json()["balances"]
    assert [(each["currency"], each["balance"], each["paid"], each["frozen"]) for each in found] == [
        ("BELL", 50, 50, 30),
        ("GEM", 0, 0, 50),
    ]
    await settle(shop, take_back(1, 100, customer=ANN))
    [bells, _] = (await buyer(shop).get("/v1/wallet")).json()["balances"]
    assert (bells["balance"], bells["frozen"], bells["debt"]) == (0, 0, 0)
