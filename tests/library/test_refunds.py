"""Refunds over HTTP: bells back to their lots, rights ended, vouchers given back, and what is refused."""

import asyncio
import json
from datetime import timedelta
from uuid import UUID

import pytest

from lingdang.clock import system_clock
from lingdang.db.pool import Pool, transaction
from lingdang.keys import Keyring
from lingdang.ledger.reconcile import CHECKS
from lingdang.library import refunds as library_refunds
from lingdang.library.refunds import PREVIEW, Policy, find_order
from support.buyer import Buyer, buyer, stock
from support.customers import make_known
from support.hands import Hands
from support.money import credit, open_settlement
from support.refunds import ann_among_books, bought, desk_of, owned, refund, refundable
from support.shop import Shop, open_shop
from support.vouchers import all_books, differences, hold, put_coupon


@pytest.fixture
async def ann(shop: Shop) -> Buyer:
    return await ann_among_books(shop)


async def test_a_whole_order_comes_back(shop: Shop, ann: Buyer) -> None:
    desk = await desk_of(shop)
    order_id = await bought(ann, "a", "b")
    told = await refundable(shop, desk, order_id)
    assert (told["refundable"], told["amount"], told["reasons"]) == (True, 200, {})
    answer = await refund(shop, desk, order_id, note="called us")
    assert answer.status_code == 200, answer.text
    done = answer.json()
    assert (done["refunded"], done["balance"], done["currency"]) == (200, 1000, "BELL")
    assert done["lines"] == [{"productId": "a", "amount": 100}, {"productId": "b", "amount": 100}]
    assert done["lots"] == told["lots"] == [{"lot": "paid", "kind": "paid", "amount": 200, "expiresAt": None}]
    assert await owned(ann) == set()
    assert (await ann.get("/v1/access", productId="a")).status_code == 403
    order = (await ann.get(f"/v1/orders/{order_id}")).json()
    assert order["status"] == "refunded"
    assert [(each["refundId"], each["refunded"], each["reason"]) for each in order["refunds"]] == [
        ("r-1", 200, "customer_request")
    ]
    assert "called us" not in json.dumps(order)
    entries = (await ann.get("/v1/wallet/entries")).json()["items"]
    assert [(entry["kind"], entry["reference"], entry.get("orderId")) for entry in entries[:2]] == [
        ("refund", "r-1", order_id),
        ("payment", order_id, order_id),
    ]
    assert "orderId" not in entries[2]
    assert differences(shop) == []


async def test_the_same_refund_again_is_answered_and_another_body_refused(shop: Shop, ann: Buyer) -> None:
    desk = await desk_of(shop)
    order_id = await bought(ann, "a", "b")
    first = await refund(shop, desk, order_id, productIds=["a"])
    before = all_books(shop)
    again = await refund(shop, desk, order_id, productIds=["a"])
    assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
    other = await refund(shop, desk, order_id, productIds=["b"])
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    twice = await refund(shop, desk, order_id, "r-2", productIds=["a"])
    assert (twice.status_code, twice.json()["code"], twice.json()["productIds"]) == (409, "already_refunded", ["a"])
    assert all_books(shop) == before


async def test_lines_come_back_one_by_one_and_the_rest_at_the_end(shop: Shop, ann: Buyer) -> None:
    desk = await desk_of(shop)
    order_id = await bought(ann, "a", "b", "c")
    assert (await refund(shop, desk, order_id, "r-1", productIds=["b"])).json()["balance"] == 800
    assert await owned(ann) == {"a", "c"}
    assert (await ann.get(f"/v1/orders/{order_id}")).json()["status"] == "partly_refunded"
    rest = (await refund(shop, desk, order_id, "r-2")).json()
    assert ([line["productId"] for line in rest["lines"]], rest["balance"]) == (["a", "c"], 1000)
    left = await refund(shop, desk, order_id, "r-3")
    assert (left.status_code, left.json()["code"]) == (409, "already_refunded")
    assert differences(shop) == []


async def test_bells_go_back_to_the_lots_they_came_from_the_last_taken_first(shop: Shop) -> None:
    stock(shop, "a", "b", "c")
    end = (system_clock() + timedelta(days=90)).replace(microsecond=0)
    [ann] = make_known(shop.database_url, "ann")
    async with open_settlement(shop.database_url) as settlement:
        await settlement.submit(credit(ann.key, 150, kind="bonus", expires_at=end))
        await settlement.submit(credit(ann.key, 500))
    desk, reader = await desk_of(shop), buyer(shop)
    order_id = await bought(reader, "a", "b", "c")  # 150 bonus, then 150 paid
    first = (await refund(shop, desk, order_id, "r-1", productIds=["a"])).json()
    assert first["lots"] == [{"lot": "paid", "kind": "paid", "amount": 100, "expiresAt": None}]
    second = (await refund(shop, desk, order_id, "r-2")).json()
    assert [(lot["kind"], lot["amount"]) for lot in second["lots"]] == [("paid", 50), ("bonus", 150)]
    balance = (await reader.get("/v1/wallet")).json()["balances"][0]
    assert (balance["paid"], balance["bonus"]) == (500, 150)
    assert differences(shop) == []


@pytest.mark.parametrize("lapsed", ["extend:30", "lapse"])
async def test_bells_whose_end_is_past(database_url: str, keyring: Keyring, lapsed: str) -> None:
    hands = Hands()
    async with open_shop(database_url, keyring, clock=hands, refund_lapsed=lapsed) as shop:
        stock(shop, "a")
        [ann] = make_known(shop.database_url, "ann")
        end = (hands() + timedelta(hours=1)).replace(microsecond=0)
        async with open_settlement(shop.database_url, clock=hands) as settlement:
            await settlement.submit(credit(ann.key, 100, kind="bonus", expires_at=end))
        reader = buyer(shop)
        order_id = await bought(reader, "a")
        desk = await desk_of(shop)
        hands.forward(7200)
        told = await refundable(shop, desk, order_id)
        done = (await refund(shop, desk, order_id)).json()
        assert done["refunded"] == told["amount"] == 100
        assert done["balance"] == (100 if lapsed == "extend:30" else 0)
        assert bool(done["lots"]) == (lapsed == "extend:30")
        [shown] = (await reader.get(f"/v1/orders/{order_id}")).json()["refunds"]
        assert (shown["by"], shown["refunded"], shown["lapsed"]) == ("operator", 100, 100 - done["balance"])
        assert differences(shop) == []


async def test_an_order_with_vouchers_is_refunded_whole(shop: Shop, ann: Buyer) -> None:
    desk = await desk_of(shop)
    put_coupon(shop, "ten")
    voucher = hold(shop, "ann", "ten")
    order_id = await bought(ann, "a", "b", voucherIds=[voucher])
    before = all_books(shop)
    part = await refund(shop, desk, order_id, productIds=["a"])
    assert (part.status_code, part.json()["code"]) == (409, "refund_not_allowed")
    assert part.json()["reasons"] == {"order": "voucher_order"}
    assert all_books(shop) == before
    done = (await refund(shop, desk, order_id)).json()
    assert (done["refunded"], done["vouchers"], done["balance"]) == (190, [voucher], 1000)
    held = (await ann.get("/v1/vouchers")).json()["items"]
    assert [(each["voucherId"], each["state"]) for each in held] == [(voucher, "unused")]
    assert differences(shop) == []
    again = await bought(ann, "a", voucherIds=[voucher])
    assert again != order_id
    assert differences(shop) == []


@pytest.mark.parametrize(("asked", "back"), [({"reason": "fraud"}, False), ({}, True)])
async def test_a_fraudster_gets_no_voucher_back(shop: Shop, ann: Buyer, asked: dict[str, str], back: bool) -> None:
    desk = await desk_of(shop)
    put_coupon(shop, "ten")
    voucher = hold(shop, "ann", "ten")
    order_id = await bought(ann, "a", voucherIds=[voucher])
    assert (await refund(shop, desk, order_id, **asked)).json()["vouchers"] == ([voucher] if back else [])
    assert differences(shop) == []


@pytest.mark.parametrize(("first", "rest"), [("fraud", "customer_request"), ("customer_request", "fraud")])
async def test_fraud_in_a_part_of_an_order_keeps_its_voucher(shop: Shop, ann: Buyer, first: str, rest: str) -> None:
    desk = await desk_of(shop)
    put_coupon(shop, "ten")
    voucher = hold(shop, "ann", "ten")
    order_id = await bought(ann, "a", "b", voucherIds=[voucher])
    part = {"productIds": ["a"], "keepDiscount": True, "reason": first}
    assert (await refund(shop, desk, order_id, "r-1", **part)).json()["vouchers"] == []
    assert (await refund(shop, desk, order_id, "r-2", reason=rest)).json()["vouchers"] == []
    assert [held["state"] for held in (await ann.get("/v1/vouchers")).json()["items"]] == ["used"]
    assert differences(shop) == []


async def test_what_was_given_back_is_not_in_the_cart_again(shop: Shop, ann: Buyer) -> None:
    desk = await desk_of(shop)
    for name in ("a", "b", "c"):
        await shop.http.put(f"/v1/cart/items/{name}", json={"ticked": True}, headers=ann.headers)
    order_id = await bought(ann, "a", "b")
    assert (await refund(shop, desk, order_id)).status_code == 200
    cart = (await ann.get("/v1/cart")).json()
    assert ([item["productId"] for item in cart["items"]], cart["selected"]["count"]) == (["c"], 1)


async def test_an_operator_may_keep_the_discount(shop: Shop, ann: Buyer) -> None:
    desk = await desk_of(shop)
    put_coupon(shop, "ten")
    voucher = hold(shop, "ann", "ten")
    order_id = await bought(ann, "a", "b", voucherIds=[voucher])
    part = (await refund(shop, desk, order_id, "r-1", productIds=["a"], keepDiscount=True)).json()
    rest = (await refund(shop, desk, order_id, "r-2")).json()
    assert part["refunded"] + rest["refunded"] == 190
    assert (part["vouchers"], rest["vouchers"]) == ([], [voucher])
    assert differences(shop) == []


async def test_a_payments_replay_answers_as_it_did(shop: Shop, ann: Buyer) -> None:
    desk = await desk_of(shop)
    order = await ann.checkout("a")
    payment = ann.payment(order["orderToken"], ["a"])
    first = await ann.send(payment)
    await refund(shop, desk, order["orderId"])
    again = await ann.send(payment)
    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    assert await owned(ann) == set()


async def test_a_refunded_book_is_bought_again(shop: Shop, ann: Buyer) -> None:
    desk = await desk_of(shop)
    first = await bought(ann, "a")
    await refund(shop, desk, first)
    second = await bought(ann, "a")
    late = await refund(shop, desk, first, "r-2")
    assert late.json()["code"] == "already_refunded"
    assert await owned(ann) == {"a"}
    order = (await ann.get("/v1/entitlements")).json()["items"][0]["orderId"]
    assert order == second
    assert differences(shop) == []


async def test_what_would_come_back_is_shown_after_a_transaction_was_rolled_back(shop: Shop, ann: Buyer) -> None:
    """psycopg drops every prepared statement of the connection then."""
    order_id = await bought(ann, "a")
    pool = Pool(shop.database_url, 1, pgbouncer=False)
    await pool.open()
    place = await find_order(pool, UUID(order_id))
    command = Policy(0, None, True).command("operator", place, UUID(order_id), PREVIEW, reason="other")
    for _ in range(4):
        assert (await library_refunds.refundable(pool, place, command, system_clock())).amount == 100
    with pytest.raises(ZeroDivisionError):
        async with transaction(pool):
            raise ZeroDivisionError
    assert (await library_refunds.refundable(pool, place, command, system_clock())).amount == 100
    await pool.close()


async def test_many_partial_refunds_at_once_never_exceed_what_was_paid(shop: Shop, ann: Buyer) -> None:
    desk = await desk_of(shop)
    order_id = await bought(ann, "a", "b", "c", "d", "e")
    asked = [("abcde"[n % 5], f"r-{n}") for n in range(60)]
    answers = await asyncio.gather(*(refund(shop, desk, order_id, name, productIds=[book]) for book, name in asked))
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [409] * 55
    assert (await ann.get("/v1/wallet")).json()["balances"][0]["balance"] == 1000
    assert differences(shop) == []


async def test_what_is_not_there_is_not_refunded(shop: Shop, ann: Buyer) -> None:
    desk = await desk_of(shop)
    order_id = await bought(ann, "a")
    before = all_books(shop)
    nobody = await refund(shop, desk, "0199aaaa-0000-7000-8000-000000000001")
    strange = await refund(shop, desk, order_id, productIds=["b"])
    assert [answer.status_code for answer in (nobody, strange)] == [404, 404]
    bob = buyer(shop, "bob")
    answer = await shop.http.get(f"/v1/orders/{order_id}/refundable", headers=bob.headers)
    assert answer.status_code == 404
    assert all_books(shop) == before


async def test_a_first_purchase_is_one_again_when_it_is_wholly_refunded(shop: Shop, ann: Buyer) -> None:
    desk = await desk_of(shop)
    shop.sql(
        "INSERT INTO coupon (coupon_id, definition, status, per_customer, created_at, updated_at)"
        " VALUES ('first', %s, 'active', 1, now(), now())",
        ('{"name": "F", "effect": {"kind": "fixed", "amount": 10}, "conditions": {"firstPurchase": true}}',),
    )
    hold(shop, "ann", "first")

    async def usable() -> list[bool]:
        return [voucher["usable"] for voucher in (await ann.checkout("e"))["vouchers"]]

    assert await usable() == [True]
    order_id = await bought(ann, "a", "b", voucherIds=[])
    assert await usable() == [False]
    await refund(shop, desk, order_id, "r-1", productIds=["a"])
    assert await usable() == [False]
    await refund(shop, desk, order_id, "r-2")
    assert await usable() == [True]


def test_every_check_of_refunds_is_there() -> None:
    assert {"refunds_are_of_their_orders", "line_is_refunded_once"} <= {check.name for check in CHECKS}
