"""The whole flow over HTTP, in each sign type, and what can be seen afterwards."""

import asyncio

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from lingdang.checkout.order_token import OrderTokens
from lingdang.keys import Keyring
from lingdang.settings import SIGN_TYPES, SignType
from support.buyer import buyer, give, stock
from support.shop import Shop


@pytest.mark.parametrize("sign_type", SIGN_TYPES)
async def test_buys_two_books(shop: Shop, sign_type: SignType) -> None:
    stock(shop, "book-1", "book-2", price=120)
    await give(shop, "ann", 300)
    ann = buyer(shop, "ann", sign_type)

    ticked = await shop.http.put("/v1/cart/items/book-1", headers=ann.headers)
    assert ticked.json()["item"]["price"] == 120
    assert ticked.json()["selected"] == {"count": 1, "total": 120}

    order = await ann.checkout("book-2", "book-1")
    assert [line["productId"] for line in order["lines"]] == ["book-2", "book-1"]
    assert order["lines"][0] == {
        "productId": "book-2",
        "title": "Title of book-2",
        "intro": "An intro",
        "publisher": "Penguin",
        "listPrice": 140,
        "price": 120,
        "discount": 0,
        "payable": 120,
    }
    assert (order["subtotal"], order["discount"], order["total"]) == (240, 0, 240)
    assert order["vouchers"] == []
    assert order["wallet"] == {"balance": 300, "sufficient": True, "shortfall": 0}
    assert order["sign"] == {
        "signType": sign_type,
        "fields": ["custId", "nonce", "orderToken", "productIds", "signType", "timestamp"],
    }

    answer = await ann.send(ann.payment(order["orderToken"], ["book-2", "book-1"]))
    assert answer.status_code == 200, answer.text
    assert "idempotent-replayed" not in answer.headers
    paid = answer.json()
    assert (paid["orderId"], paid["status"], paid["currency"]) == (order["orderId"], "paid", "BELL")
    assert (paid["paid"], paid["balance"]) == (240, 60)
    granted = [{"productId": i, "grantedAt": paid["paidAt"]} for i in ("book-2", "book-1")]
    assert paid["entitlements"] == granted

    mine = (await ann.get("/v1/orders")).json()
    assert [o["orderId"] for o in mine["items"]] == [order["orderId"]]
    one = (await ann.get(f"/v1/orders/{order['orderId']}")).json()
    assert (one["total"], one["balance"], one["lines"][1]["title"]) == (240, 60, "Title of book-1")

    wallet = (await ann.get("/v1/wallet")).json()
    assert wallet["balances"] == [
        {"currency": "BELL", "balance": 60, "paid": 60, "bonus": 0, "debt": 0, "frozen": 0, "expiring": []}
    ]
    entries = (await ann.get("/v1/wallet/entries")).json()["items"]
    assert [(e["kind"], e["amount"], e["balance"]) for e in entries] == [("payment", -240, 60), ("credit", 300, 300)]
    assert entries[0]["reference"] == order["orderId"]

    owned = (await ann.get("/v1/entitlements")).json()["items"]
    assert {o["productId"]: o["orderId"] for o in owned} == dict.fromkeys(("book-1", "book-2"), order["orderId"])
    access = await ann.get("/v1/access", productId="book-1")
    assert (access.status_code, access.headers["x-entitlement-order"]) == (204, order["orderId"])


async def test_receipt_verifies_offline(shop: Shop) -> None:
    stock(shop, "book-1")
    await give(shop, "ann", 100)
    ann = buyer(shop)
    order = (await ann.buy("book-1")).json()
    receipt = (await ann.get("/v1/entitlements/book-1")).json()["receipt"]
    keys = KeySet.import_key_set((await shop.http.get("/.well-known/jwks.json")).json())
    token = jwt.decode(receipt, keys, registry=JWSRegistry(algorithms=["EdDSA"]))
    assert token.header["typ"] == "entitlement+jwt"
    assert {n: token.claims[n] for n in ("iss", "sub", "productId", "orderId")} == {
        "iss": "lingdang",
        "sub": "ann",
        "productId": "book-1",
        "orderId": order["orderId"],
    }
    assert token.claims["exp"] > token.claims["iat"]


async def test_replay_is_the_same_answer_and_takes_nothing(shop: Shop) -> None:
    stock(shop, "book-1")
    await give(shop, "ann", 500)
    ann = buyer(shop)
    order = await ann.checkout("book-1")
    first = await ann.send(body := ann.payment(order["orderToken"], ["book-1"]))
    again = await ann.send(body)
    resigned = await ann.send(ann.payment(order["orderToken"], ["book-1"]))
    assert again.json() == resigned.json() == first.json()
    assert again.headers["idempotent-replayed"] == resigned.headers["idempotent-replayed"] == "true"
    assert shop.sql("SELECT balance FROM wallet") == [(400,)]


async def test_64_identical_payments_make_one_debit(shop: Shop) -> None:
    stock(shop, "book-1")
    await give(shop, "ann", 500)
    ann = buyer(shop)
    order = await ann.checkout("book-1")
    body = ann.payment(order["orderToken"], ["book-1"])
    answers = await asyncio.gather(*(ann.send(body) for _ in range(64)))
    assert {a.status_code for a in answers} == {200}
    assert len({a.text for a in answers}) == 1
    assert sum(a.headers.get("idempotent-replayed") == "true" for a in answers) == 63
    assert shop.sql("SELECT balance, seq FROM wallet") == [(400, 2)]


async def test_200_payments_with_money_for_100(shop: Shop) -> None:
    ids = [f"book-{n}" for n in range(200)]
    stock(shop, *ids)
    await give(shop, "ann", 100 * 100)
    ann = buyer(shop)
    orders = [await ann.checkout(i) for i in ids]
    bodies = [ann.payment(o["orderToken"], [i]) for o, i in zip(orders, ids, strict=True)]
    answers = await asyncio.gather(*map(ann.send, bodies))
    codes = [a.status_code for a in answers]
    assert (codes.count(200), codes.count(402)) == (100, 100)
    assert shop.sql("SELECT balance FROM wallet") == [(0,)]
    assert shop.sql("SELECT count(*) FROM orders") == shop.sql("SELECT count(*) FROM entitlement") == [(100,)]


async def test_insufficient_bells_then_a_credit_pays_with_the_same_token(shop: Shop) -> None:
    stock(shop, "book-1", price=250)
    await give(shop, "ann", 100)
    ann = buyer(shop)
    order = await ann.checkout("book-1")
    assert order["wallet"] == {"balance": 100, "sufficient": False, "shortfall": 150}
    body = ann.payment(order["orderToken"], ["book-1"])
    refused = await ann.send(body)
    assert refused.status_code == 402
    assert {n: refused.json()[n] for n in ("code", "required", "balance", "shortfall")} == {
        "code": "insufficient_bells",
        "required": 250,
        "balance": 100,
        "shortfall": 150,
    }
    await give(shop, "ann", 200)
    assert (await ann.send(body)).json()["balance"] == 50


async def test_a_free_book_needs_no_wallet(shop: Shop) -> None:
    stock(shop, "free", price=0)
    ann = buyer(shop)
    assert (await ann.buy("free")).json()["paid"] == 0
    assert (await ann.get("/v1/access", productId="free")).status_code == 204


async def test_lists_walk_through_everything(shop: Shop) -> None:
    ids = [f"book-{n:02}" for n in range(7)]
    stock(shop, *ids, price=10)
    await give(shop, "ann", 100)
    ann = buyer(shop)
    for product_id in ids:
        assert (await ann.buy(product_id)).status_code == 200
    for path, key, count in (
        ("/v1/orders", "orderId", 7),
        ("/v1/entitlements", "productId", 7),
        ("/v1/wallet/entries", "seq", 8),
    ):
        seen: list[str] = []
        cursor = None
        while True:
            page = (await ann.get(path, limit=3, **({"cursor": cursor} if cursor else {}))).json()
            assert 1 <= len(page["items"]) <= 3
            seen += [str(item[key]) for item in page["items"]]
            cursor = page["nextCursor"]
            if cursor is None:
                break
        assert len(seen) == len(set(seen)) == count, path


async def test_a_token_counts_the_transfers_before_its_checkout(shop: Shop, keyring: Keyring) -> None:
    tokens = OrderTokens(keyring)
    ann = buyer(shop, "ann")
    stock(shop, "book-1", "book-2")
    for transfers in range(3):
        assert tokens.open((await ann.checkout("book-1"))["orderToken"]).transfers == transfers
        await give(shop, "ann", 100)
    order = await ann.checkout("book-1")
    assert (await ann.send(ann.payment(order["orderToken"], ["book-1"]))).status_code == 200
    assert tokens.open((await ann.checkout("book-2"))["orderToken"]).transfers == 4
