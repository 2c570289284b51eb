"""Every refusal of the contract's table, through HTTP; each leaves everything as it was."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from lingdang.clock import system_clock
from lingdang.keys import retire, rotate
from support.buyer import Buyer, books, buyer, give, stock
from support.hands import Hands
from support.money import credit, open_settlement
from support.shop import Shop, open_shop
from support.tabs import until, wallet_held

Refusal = Callable[[Shop, Buyer, dict[str, Any]], Awaitable[Any]]


@pytest.fixture
async def ann(shop: Shop) -> Buyer:
    """A customer with 500 bells in a shop of three books at 100."""
    stock(shop, "book-1", "book-2", "book-3")
    await give(shop, "ann", 500)
    return buyer(shop)


@pytest.fixture(scope="module")
async def shared_ann(shared_shop: Shop) -> Buyer:
    """The same in the shop that this file shares, for what is refused before anything else is looked at."""
    stock(shared_shop, "book-1", "book-2", "book-3")
    await give(shared_shop, "ann", 500)
    return buyer(shared_shop)


async def refused(ann: Buyer, answer: Any, status: int, code: str, before: dict[str, str]) -> dict[str, Any]:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["requestId"] == answer.headers["x-request-id"]
    assert books(ann.shop) == before
    result: dict[str, Any] = answer.json()
    return result


BAD_BODIES: list[dict[str, Any]] = [
    {"productIds": []},
    {"productIds": "book-1"},
    {"productIds": [1]},
    {"productIds": ["a b"]},
    {"productIds": [""]},
    {"productIds": ["a" * 65]},
    {"productIds": ["铃"]},
    {"productIds": ["book-1"] * 101},
    {"timestamp": "1"},
    {"timestamp": 1.5},
    {"timestamp": -1},
    {"timestamp": 2**63},
    {"timestamp": True},
    {"timestamp": None},
    {"nonce": "short"},
    {"nonce": "with space!"},
    {"nonce": "a" * 65},
    {"orderToken": 5},
    {"orderToken": None},
    {"signType": 1},
    {"sign": None},
    {"unknown": 1},
]


@pytest.mark.parametrize("changed", BAD_BODIES, ids=lambda c: json.dumps(c)[:40])
async def test_malformed_field(shared_ann: Buyer, changed: dict[str, Any]) -> None:
    order = await shared_ann.checkout("book-1")
    before = books(shared_ann.shop)
    body = shared_ann.payment(order["orderToken"], ["book-1"]) | changed
    problem = await refused(shared_ann, await shared_ann.send(body), 400, "invalid_request", before)
    name = next(iter(changed))
    assert problem["errors"]
    assert all(set(error) == {"path", "message"} for error in problem["errors"])
    assert name in json.dumps(problem["errors"])


@pytest.mark.parametrize("missing", ["productIds", "timestamp", "nonce", "orderToken", "signType", "sign"])
async def test_missing_field(shared_ann: Buyer, missing: str) -> None:
    order = await shared_ann.checkout("book-1")
    before = books(shared_ann.shop)
    body = shared_ann.payment(order["orderToken"], ["book-1"])
    del body[missing]
    problem = await refused(shared_ann, await shared_ann.send(body), 400, "invalid_request", before)
    assert missing in problem["errors"][0]["message"]


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"timestamp": NaN}', b"[" * 5000, b'"x"'])
async def test_not_the_json_it_should_be(shared_ann: Buyer, raw: bytes) -> None:
    before = books(shared_ann.shop)
    answer = await shared_ann.shop.http.post("/v1/payments", content=raw, headers=shared_ann.headers)
    await refused(shared_ann, answer, 400, "invalid_request", before)


@pytest.mark.parametrize("route", ["/v1/checkout", "/v1/payments"])
async def test_a_body_of_too_many_parts_is_not_looked_through(shared_ann: Buyer, route: str) -> None:
    before = books(shared_ann.shop)
    answer = await shared_ann.shop.http.post(
        route, json={"productIds": ["book-1"] * 40_000}, headers=shared_ann.headers
    )
    problem = await refused(shared_ann, answer, 400, "invalid_request", before)
    assert problem["errors"] == [{"path": "$", "message": "Expected at most 1000 commas"}]


async def test_body_too_large(shared_ann: Buyer) -> None:
    before = books(shared_ann.shop)
    answer = await shared_ann.shop.http.post("/v1/payments", content=b" " * 600_000, headers=shared_ann.headers)
    await refused(shared_ann, answer, 413, "body_too_large", before)
    assert answer.headers["connection"] == "close", "what is left of the body is not read"


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer x", "Basic YTpi", "Bearer " + "a" * 9000])
async def test_unauthenticated(shared_ann: Buyer, authorization: str | None) -> None:
    order = await shared_ann.checkout("book-1")
    before = books(shared_ann.shop)
    headers = {"X-Cust-Id": "ann"} | ({} if authorization is None else {"Authorization": authorization})
    body = shared_ann.payment(order["orderToken"], ["book-1"])
    answer = await shared_ann.shop.http.post("/v1/payments", json=body, headers=headers)
    await refused(shared_ann, answer, 401, "unauthenticated", before)


async def test_ended_session(ann: Buyer) -> None:
    order = await ann.checkout("book-1")
    before = books(ann.shop)
    ended = await ann.shop.http.delete("/v1/sessions/current", headers=ann.headers)
    assert ended.status_code == 204
    await refused(ann, await ann.send(ann.payment(order["orderToken"], ["book-1"])), 401, "unauthenticated", before)
    for path in (
        "/v1/cart",
        "/v1/orders",
        "/v1/wallet",
        "/v1/wallet/entries",
        "/v1/entitlements",
        "/v1/sessions/current",
    ):
        await refused(ann, await ann.get(path), 401, "unauthenticated", before)
    await refused(ann, await ann.get("/v1/access", productId="book-1"), 401, "unauthenticated", before)
    answer = await ann.shop.http.post("/v1/checkout", json={"productIds": ["book-1"]}, headers=ann.headers)
    await refused(ann, answer, 401, "unauthenticated", before)
    answer = await ann.shop.http.put("/v1/cart/items/book-1", headers=ann.headers)
    await refused(ann, answer, 401, "unauthenticated", before)


@pytest.mark.parametrize("header", [{}, {"X-Cust-Id": "bob"}, {"X-Cust-Id": "Ann"}, {"X-Cust-Id": ""}])
async def test_cust_id_is_another(shared_ann: Buyer, header: dict[str, str]) -> None:
    order = await shared_ann.checkout("book-1")
    before = books(shared_ann.shop)
    body = shared_ann.payment(order["orderToken"], ["book-1"])
    headers = {"Authorization": f"Bearer {shared_ann.token}", **header}
    answer = await shared_ann.shop.http.post("/v1/payments", json=body, headers=headers)
    await refused(shared_ann, answer, 403, "cust_mismatch", before)


async def test_token_of_another_customer_or_session(ann: Buyer) -> None:
    await give(ann.shop, "bob", 500)
    bob, other_session = buyer(ann.shop, "bob"), buyer(ann.shop, "ann")
    order = await ann.checkout("book-1")
    before = books(ann.shop)
    for thief in (bob, other_session):
        answer = await thief.send(thief.payment(order["orderToken"], ["book-1"]))
        await refused(ann, answer, 403, "cust_mismatch", before)


async def test_token_altered_or_foreign(ann: Buyer) -> None:
    order = await ann.checkout("book-1")
    before = books(ann.shop)
    token = order["orderToken"]
    for other in ("", token[:-1], token[:-1] + ("A" if token[-1] != "A" else "B"), token + "=", "x" * 100):
        await refused(ann, await ann.send(ann.payment(other, ["book-1"])), 400, "token_invalid", before)


async def test_token_of_a_retired_key(ann: Buyer) -> None:
    order = await ann.checkout("book-1")
    now = system_clock()
    rotate(ann.shop.keyring.path, now, now)
    await asyncio.sleep(1.1)
    # The session is of the old key as well: only the new one's token can show the order token's refusal.
    newer = buyer(ann.shop, "ann")
    retire(ann.shop.keyring.path, 1, now)
    await asyncio.sleep(1.1)
    before = books(ann.shop)
    answer = await newer.send(newer.payment(order["orderToken"], ["book-1"]))
    await refused(ann, answer, 400, "token_invalid", before)
    await refused(ann, await ann.get("/v1/wallet"), 401, "unauthenticated", before)


async def test_products_are_not_the_orders(ann: Buyer) -> None:
    order = await ann.checkout("book-1", "book-2")
    before = books(ann.shop)
    for ids in (
        ["book-1"],
        ["book-2", "book-1"],
        ["book-1", "book-3"],
        ["book-1", "book-2", "book-3"],
        ["book-1,book-2"],
    ):
        body = ann.payment(order["orderToken"], ids)
        if ids == ["book-1,book-2"]:
            await refused(ann, await ann.send(body), 400, "invalid_request", before)
        else:
            await refused(ann, await ann.send(body), 409, "order_mismatch", before)


@pytest.mark.parametrize("seconds", [-302, 302, -(10**6), 10**9])
async def test_timestamp_skew(shared_ann: Buyer, seconds: int) -> None:
    order = await shared_ann.checkout("book-1")
    before = books(shared_ann.shop)
    body = shared_ann.payment(order["orderToken"], ["book-1"], timestamp=int(time.time()) + seconds)
    problem = await refused(shared_ann, await shared_ann.send(body), 403, "timestamp_skew", before)
    assert problem["serverTime"].endswith("Z")


async def test_sign_invalid(ann: Buyer) -> None:
    order = await ann.checkout("book-1")
    before = books(ann.shop)
    good = ann.payment(order["orderToken"], ["book-1"])
    for changed in (
        {"sign": ""},
        {"sign": "0" * 64},
        {"sign": good["sign"][:-1]},
        {"nonce": good["nonce"][:-1] + "_"},
        {"timestamp": good["timestamp"] + 1},
        {"signType": "MD5"},
        {"signType": "ES256"},
        {"signType": "none"},
        {"signType": ""},
        {"signType": "hmac-sha256"},
    ):
        await refused(ann, await ann.send(good | changed), 403, "sign_invalid", before)
    # A type that is not the session's, rightly signed in that type: the downgrade that must not be.
    ann.sign_type = "MD5"
    await refused(ann, await ann.send(ann.payment(order["orderToken"], ["book-1"])), 403, "sign_invalid", before)
    ann.sign_type = "HMAC-SHA256"
    assert (await ann.send(good)).status_code == 200


async def test_offer_expired(database_url: str, ann: Buyer) -> None:
    hands = Hands()
    async with open_shop(database_url, ann.shop.keyring, clock=hands, offer_seconds=60) as brief:
        carl = buyer(brief, "ann")
        order = await carl.checkout("book-1")
        paid = await carl.checkout("book-2")
        body = carl.payment(paid["orderToken"], ["book-2"])
        first = await carl.send(body)
        hands.forward(60)
        before = books(ann.shop)
        await refused(ann, await carl.send(carl.payment(order["orderToken"], ["book-1"])), 410, "token_expired", before)
        # A paid order's replay answers 200 even after its token expired.
        again = await carl.send(body)
        assert (again.status_code, again.json()) == (200, first.json())


async def test_already_owned(ann: Buyer) -> None:
    order = await ann.checkout("book-1", "book-2")
    assert (await ann.buy("book-2")).status_code == 200
    before = books(ann.shop)
    problem = await refused(
        ann, await ann.send(ann.payment(order["orderToken"], ["book-1", "book-2"])), 409, "already_owned", before
    )
    assert problem["productIds"] == ["book-2"]
    answer = await ann.shop.http.post("/v1/checkout", json={"productIds": ["book-2"]}, headers=ann.headers)
    problem = await refused(ann, answer, 409, "already_owned", before)
    assert problem["productIds"] == ["book-2"]


async def test_product_withdrawn_since_the_offer(ann: Buyer) -> None:
    order = await ann.checkout("book-1", "book-2")
    ann.shop.sql("UPDATE product SET status = 'withdrawn' WHERE product_id = 'book-2'")
    before = books(ann.shop)
    problem = await refused(
        ann, await ann.send(ann.payment(order["orderToken"], ["book-1", "book-2"])), 409, "product_unavailable", before
    )
    assert problem["productIds"] == ["book-2"]
    answer = await ann.shop.http.post("/v1/checkout", json={"productIds": ["book-2"]}, headers=ann.headers)
    await refused(ann, answer, 409, "product_unavailable", before)


async def test_the_price_of_the_offer_holds(ann: Buyer) -> None:
    order = await ann.checkout("book-1")
    ann.shop.sql("UPDATE product SET price = 1, list_price = 1")
    answer = await ann.send(ann.payment(order["orderToken"], ["book-1"]))
    assert (answer.status_code, answer.json()["paid"]) == (200, 100)


@pytest.mark.parametrize("body", [{"voucherIds": ["c1"]}, {"voucherCode": "WELCOME"}])
async def test_voucher_unusable(ann: Buyer, body: dict[str, Any]) -> None:
    before = books(ann.shop)
    answer = await ann.shop.http.post("/v1/checkout", json={"productIds": ["book-1"], **body}, headers=ann.headers)
    problem = await refused(ann, answer, 409, "voucher_unusable", before)
    assert problem["voucherIds"] == body.get("voucherIds", [])
    [reason] = problem["reasons"].values()
    assert reason["code"] in ("not_held", "unknown_code")
    assert reason["zh"]
    assert reason["en"]
    assert (await ann.checkout("book-1", voucherIds=[]))["discount"] == 0


async def test_not_found(ann: Buyer) -> None:
    paid = (await ann.buy("book-1")).json()
    bob = buyer(ann.shop, "bob")
    before = books(ann.shop)
    for path in (f"/v1/orders/{paid['orderId']}", "/v1/entitlements/book-1", "/v1/products/none"):
        await refused(ann, await bob.get(path), 404, "not_found", before)
    answer = await ann.shop.http.post("/v1/checkout", json={"productIds": ["none"]}, headers=ann.headers)
    problem = await refused(ann, answer, 404, "not_found", before)
    assert problem["productIds"] == ["none"]
    await refused(ann, await bob.get("/v1/access", productId="book-1"), 403, "not_entitled", before)


async def test_checkout_of_several_currencies_or_a_product_twice(ann: Buyer) -> None:
    ann.shop.sql("UPDATE product SET currency = 'COIN' WHERE product_id = 'book-3'")
    before = books(ann.shop)
    for ids in (["book-1", "book-3"], ["book-1", "book-1"]):
        answer = await ann.shop.http.post("/v1/checkout", json={"productIds": ids}, headers=ann.headers)
        problem = await refused(ann, answer, 400, "invalid_request", before)
        assert problem["errors"][0]["path"] == "$.productIds"


async def test_overloaded_when_the_queue_is_full_or_the_wait_too_long(database_url: str, ann: Buyer) -> None:
    """A lock held on the wallet keeps the first batch waiting; those behind it are refused unexecuted."""
    async with open_shop(database_url, ann.shop.keyring, queue_limit=2, batch_limit=1, command_seconds=0.3) as small:
        dora = buyer(small, "ann")
        orders = [await dora.checkout("book-1") for _ in range(6)]
        bodies = [dora.payment(o["orderToken"], ["book-1"]) for o in orders]
        async with wallet_held(small, "ann"):
            tasks = [asyncio.create_task(dora.send(body)) for body in bodies]
            await until(lambda: sum(task.done() for task in tasks) == 3)
            await asyncio.sleep(0.4)  # the two in the queue have waited for too long, however slow the machine is
        answers = await asyncio.gather(*tasks)
        assert sorted(a.status_code for a in answers) == [200] + [503] * 5
        for answer in answers:
            if answer.status_code == 503:
                assert answer.json()["code"] == "overloaded"
                assert int(answer.headers["retry-after"]) >= 1
        assert small.sql("SELECT balance FROM wallet") == [(400,)]


async def test_overloaded_when_the_database_is_away(ann: Buyer) -> None:
    order = await ann.checkout("book-1")
    url = ann.shop.database_url.replace("/shop_", "/gone_", 1)
    before = books(ann.shop)
    async with open_shop(url, ann.shop.keyring, give_up_seconds=0.5) as away:
        lost = Buyer(away, "ann", ann.token, ann.sign_type, ann.sign_key)
        answer = await lost.send(lost.payment(order["orderToken"], ["book-1"]))
        problem = await refused(ann, answer, 503, "overloaded", before)
        assert int(answer.headers["retry-after"]) >= 1
        assert "database" in problem["detail"]
    assert (await ann.send(ann.payment(order["orderToken"], ["book-1"]))).status_code == 200


async def test_messages_follow_the_language_and_codes_do_not(ann: Buyer) -> None:
    ann.extra = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}
    answer = await ann.send(ann.payment("x", ["book-1"]))
    assert answer.json()["code"] == "token_invalid"
    assert "令牌" in answer.json()["title"]
    ann.extra = {"Accept-Language": "en"}
    assert (await ann.send(ann.payment("x", ["book-1"]))).json()["title"] == "Order token invalid"


async def test_credit_lots_and_expiry_show_in_the_wallet(database_url: str, ann: Buyer) -> None:
    """Bells that have lapsed are not counted, whether they have been booked out yet or not."""
    hands = Hands()
    soon = system_clock() + timedelta(seconds=200)
    later = system_clock() + timedelta(days=30)
    async with open_settlement(ann.shop.database_url) as settlement:
        await settlement.submit(credit("ann", 70, kind="bonus", expires_at=soon))
        await settlement.submit(credit("ann", 30, kind="bonus", expires_at=later))
    async with open_shop(database_url, ann.shop.keyring, clock=hands) as shop:
        await _lapsing(buyer(shop), hands)


async def _lapsing(ann: Buyer, hands: Hands) -> None:
    first = (await ann.get("/v1/wallet")).json()["balances"][0]
    assert (first["balance"], first["paid"], first["bonus"]) == (600, 500, 100)
    assert [e["amount"] for e in first["expiring"]] == [70, 30]
    hands.forward(200)
    second = (await ann.get("/v1/wallet")).json()["balances"][0]
    assert (second["balance"], second["bonus"]) == (530, 30)
    assert (await ann.checkout("book-1"))["wallet"]["balance"] == 530
    paid = (await ann.buy("book-1")).json()
    assert paid["balance"] == 430
    entries = (await ann.get("/v1/wallet/entries")).json()["items"]
    assert [(e["kind"], e["amount"]) for e in entries[:2]] == [("payment", -100), ("expiry", -70)]
    assert [(p["kind"], p["amount"]) for p in entries[0]["lots"]] == [("bonus", -30), ("paid", -70)]
