"""Bells and rights: other shops' credit spent twice, balances that were not there, access that was lost."""

import asyncio
from datetime import timedelta

import httpx

from lingdang.clock import system_clock
from lingdang.keys import Keyring, rotate
from support.buyer import buyer, give, stock
from support.hands import Hands
from support.money import credit, open_settlement
from support.people import api_key
from support.shop import Shop, open_shop
from support.vouchers import differences

Workers = tuple[Shop, Shop]


async def test_pain_11_two_tabs_cannot_spend_the_same_bells(workers: Workers) -> None:
    """spree/spree #11284, #13734: store credit and gift cards were spent twice from two tabs. Here two sessions at two
    workers pay 20 orders at once out of bells of three kinds that are enough for seven: seven are paid, the others are
    told what is missing, and every lot is spent to its last bell, the bonus first."""
    one, two = workers
    ids = [f"book-{n}" for n in range(20)]
    stock(one, *ids)
    soon = system_clock() + timedelta(days=1)
    async with open_settlement(one.database_url) as settlement:
        for command in (credit("ann", 330), credit("ann", 250, kind="bonus"), credit("ann", 120, expires_at=soon)):
            await settlement.submit(command)
    tabs = (buyer(one), buyer(two, sign_type="MD5"))
    orders = [await tabs[n % 2].checkout(i) for n, i in enumerate(ids)]
    bodies = [tabs[n % 2].payment(order["orderToken"], [ids[n]]) for n, order in enumerate(orders)]
    answers = await asyncio.gather(*(tabs[n % 2].send(body) for n, body in enumerate(bodies)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [402] * 13
    assert {answer.json()["shortfall"] for answer in answers if answer.status_code == 402} <= {100, 200}
    assert one.sql("SELECT balance, lots FROM wallet") == [(0, [])]
    spent = one.sql(
        "SELECT left(account, 12), -sum(amount) FROM entry WHERE kind = 'payment' AND amount < 0 GROUP BY 1"
    )
    assert dict(spent) == {"wallet:paid": 330, "wallet:paid@": 120, "wallet:bonus": 250}


async def test_pain_12_what_is_offered_is_not_held_and_what_lapsed_is_not_there(
    database_url: str, keyring: Keyring
) -> None:
    """blnkfinance/blnk #181, #171, #182: holds were not counted in the balance, and a hold that had been rejected could
    be committed. Here an offer holds nothing: the balance is asked for when it is paid. Of four open offers of the
    whole balance one is paid; one that was refused is paid by its own signature once there are bells again; and bells
    that have lapsed meanwhile pay nothing."""
    hands = Hands()
    async with (
        open_shop(database_url, keyring, clock=hands) as one,
        open_shop(database_url, keyring, clock=hands) as two,
    ):
        await _offers_of_one_balance(one, two, hands)


async def _offers_of_one_balance(one: Shop, two: Shop, hands: Hands) -> None:
    ids = [f"book-{n}" for n in range(4)]
    stock(one, *ids)
    await give(one, "ann", 100)
    tabs = (buyer(one), buyer(two))
    orders = [await tabs[n % 2].checkout(ids[n]) for n in range(4)]
    assert {order["wallet"]["sufficient"] for order in orders} == {True}
    bodies = [tabs[n % 2].payment(order["orderToken"], [ids[n]]) for n, order in enumerate(orders)]
    answers = await asyncio.gather(*(tabs[n % 2].send(body) for n, body in enumerate(bodies)))
    refused = [n for n, answer in enumerate(answers) if answer.status_code == 402]
    assert len(refused) == 3
    soon = system_clock() + timedelta(seconds=200)
    async with open_settlement(one.database_url) as settlement:
        await settlement.submit(credit("ann", 100))
        await settlement.submit(credit("ann", 100, kind="bonus", expires_at=soon))
    first, second = refused[:2]
    hands.forward(200)
    assert (await tabs[first % 2].send(bodies[first])).json()["balance"] == 0
    assert (await tabs[second % 2].send(bodies[second])).json()["code"] == "insufficient_bells"


async def test_pain_21_access_to_a_good_purchase_is_not_lost(shop: Shop) -> None:
    """antiwork/gumroad #5394, #7326: access was lost on good purchases (and kept after refunds). Here the book is taken
    off sale and changes its price, the session ends, the keys are rotated and the server starts anew: who bought it
    may read it, and has a receipt for it."""
    stock(shop, "book-1")
    await give(shop, "ann", 100)
    ann = buyer(shop)
    order_id = (await ann.buy("book-1")).json()["orderId"]
    shop.sql("UPDATE product SET status = 'withdrawn', price = 1, publisher = 'Another'")
    assert (await shop.http.delete("/v1/sessions/current", headers=ann.headers)).status_code == 204
    rotate(shop.keyring.path, system_clock(), system_clock())
    async with open_shop(shop.database_url, shop.keyring) as anew:
        back = buyer(anew)
        assert (await back.get("/v1/access", productId="book-1")).headers["x-entitlement-order"] == order_id
        assert (await back.get("/v1/entitlements/book-1")).json()["receipt"]
        [line] = (await back.get(f"/v1/orders/{order_id}")).json()["lines"]
        assert (line["title"], line["payable"]) == ("Title of book-1", 100)
    assert differences(shop) == []


async def test_pain_25_one_notification_delivered_many_times_is_one_credit(workers: Workers) -> None:
    """yansongda/pay #685, w7corp/easywechat #1911, binarywang/WxJava #3355: one notification, delivered again and
    again, made many credits. Here a platform that passes on each delivery as a credit of the notification's id has it
    booked once: at two workers at once, again after the bells were spent, and never with another amount."""
    one, _ = workers
    stock(one, "book-1")
    operator = await api_key(one, "wallets:credit")

    async def deliver(n: int, amount: int = 100) -> httpx.Response:
        body = {"creditId": "notice-1", "amount": amount, "kind": "paid", "reason": "topped up", "createCustomer": True}
        return await workers[n % 2].http.post("/v1/admin/wallets/ann/credits", json=body, headers=operator)

    answers = await asyncio.gather(*map(deliver, range(24)))
    assert {(answer.status_code, answer.text) for answer in answers} == {(200, answers[0].text)}
    assert (await buyer(one).buy("book-1")).json()["balance"] == 0
    late = await asyncio.gather(*map(deliver, range(8)))
    assert {answer.text for answer in late} == {answers[0].text}
    assert {answer.headers["idempotent-replayed"] for answer in late} == {"true"}
    assert (await deliver(1, amount=200)).json()["code"] == "idempotency_mismatch"
    assert one.sql("SELECT balance, seq FROM wallet") == [(0, 2)]
