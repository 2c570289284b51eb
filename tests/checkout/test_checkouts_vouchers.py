"""Vouchers in the composite call and in the payment, over HTTP."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from support.buyer import Buyer, buyer, give, stock
from support.people import api_key
from support.shop import Shop
from support.vouchers import all_books, claim, codes_of, differences, hold, put_coupon

HALF: dict[str, Any] = {"name": "Half", "effect": {"kind": "percent", "off": 50}}
TEN: dict[str, Any] = {"name": "Ten", "effect": {"kind": "fixed", "amount": 10}, "stacking": {"group": None}}
SPEND: dict[str, Any] = {"name": "Spend", "effect": {"kind": "spend_save", "spend": 500, "save": 100}}


@pytest.fixture
async def ann(shop: Shop) -> Buyer:
    """A buyer with bells, and three books at 100."""
    stock(shop, "book-1", "book-2", "book-3", price=100)
    await give(shop, "ann", 1000)
    return buyer(shop)


async def define(shop: Shop, coupon_id: str, definition: dict[str, Any], **supply: Any) -> None:
    """PUT a coupon as an operator."""
    operator = await api_key(shop, "coupons:write", name=str(uuid4()))
    answer = await shop.http.put(
        f"/v1/admin/coupons/{coupon_id}", json={"definition": definition, **supply}, headers=operator
    )
    assert answer.status_code in (200, 201), answer.text


async def quote(one: Buyer, *product_ids: str, **body: Any) -> Any:
    return await one.shop.http.post("/v1/checkout", json={"productIds": list(product_ids), **body}, headers=one.headers)


async def test_a_whole_purchase_with_vouchers(ann: Buyer) -> None:
    shop = ann.shop
    await define(shop, "half", HALF)
    await define(shop, "ten", TEN)
    await define(shop, "spend", SPEND)
    half, ten, spend = (hold(shop, "ann", coupon_id) for coupon_id in ("half", "ten", "spend"))
    order = await ann.checkout("book-2", "book-1", "book-3")
    assert (order["subtotal"], order["discount"], order["total"]) == (300, 160, 140)
    assert [line["productId"] for line in order["lines"]] == ["book-2", "book-1", "book-3"]
    assert [line["discount"] + line["payable"] for line in order["lines"]] == [100] * 3
    assert sum(line["payable"] for line in order["lines"]) == 140
    by_id = {voucher["voucherId"]: voucher for voucher in order["vouchers"]}
    assert by_id[half].pop("expiresAt")
    assert by_id[half] == {
        "voucherId": half, "couponId": "half", "name": "Half", "kind": "percent",
        "usable": True, "saves": 150, "applied": True,
    }  # fmt: skip
    assert (by_id[ten]["saves"], by_id[ten]["applied"]) == (10, True)
    assert by_id[spend]["reason"]["code"] == "min_spend"
    assert (by_id[spend]["reason"]["missing"], by_id[spend]["usable"], by_id[spend]["saves"]) == (200, False, 0)
    assert order["vouchersProven"] is True
    answer = await ann.send(ann.payment(order["orderToken"], ["book-2", "book-1", "book-3"]))
    assert (answer.status_code, answer.json()["paid"], answer.json()["balance"]) == (200, 140, 860)
    bought = (await ann.get(f"/v1/orders/{order['orderId']}")).json()
    assert {voucher["voucherId"] for voucher in bought["vouchers"]} == {half, ten}
    assert shop.sql("SELECT count(*), sum(saved) FROM voucher WHERE used_by IS NOT NULL") == [(2, 160)]
    assert differences(shop) == []
    held = {item["voucherId"]: item["state"] for item in (await ann.get("/v1/vouchers")).json()["items"]}
    assert held == {half: "used", ten: "used", spend: "unused"}


async def test_named_vouchers_and_none(ann: Buyer) -> None:
    await define(ann.shop, "half", HALF)
    await define(ann.shop, "ten", TEN)
    half, ten = hold(ann.shop, "ann", "half"), hold(ann.shop, "ann", "ten")
    none = await ann.checkout("book-1", voucherIds=[])
    assert (none["discount"], [voucher["applied"] for voucher in none["vouchers"]]) == (0, [False, False])
    only = await ann.checkout("book-1", voucherIds=[ten])
    assert {c["voucherId"]: (c["applied"], c["saves"]) for c in only["vouchers"]} == {
        ten: (True, 10),
        half: (False, 50),
    }
    both = await ann.checkout("book-1", voucherIds=[ten, half])
    assert (both["discount"], sum(voucher["saves"] for voucher in both["vouchers"])) == (60, 60)


async def test_named_vouchers_that_cannot_be_used(ann: Buyer) -> None:
    shop = ann.shop
    await define(shop, "half", HALF)
    await define(shop, "alone", {**HALF, "stacking": {"exclusive": True}})
    await define(shop, "spend", SPEND)
    await define(shop, "other", {**TEN, "conditions": {"products": ["book-9"]}})
    half, alone, spend, other = (hold(shop, "ann", c) for c in ("half", "alone", "spend", "other"))
    used, bobs = hold(shop, "ann", "half"), hold(shop, "bob", "half")
    shop.sql(
        "UPDATE voucher SET used_by = gen_random_uuid(), used_at = now(), saved = 1 WHERE voucher_id = %s", (used,)
    )
    old = hold(shop, "ann", "half")
    shop.sql("UPDATE voucher SET expires_at = now() - interval '90 days' WHERE voucher_id = %s", (old,))
    expected = {
        spend: "min_spend", other: "products_not_eligible", used: "used", bobs: "not_held", old: "expired",
        "no-such": "not_held", half: "not_with", alone: "not_with",
    }  # fmt: skip
    before = all_books(shop)
    answer = await quote(ann, "book-1", voucherIds=list(expected))
    assert (answer.status_code, answer.json()["code"]) == (409, "voucher_unusable")
    assert codes_of(answer.json()["reasons"]) == expected
    assert set(answer.json()["voucherIds"]) == set(expected)
    assert answer.json()["reasons"][half]["voucherIds"] == [alone]
    assert all_books(shop) == before


async def test_a_code_is_claimed_by_the_checkout(ann: Buyer) -> None:
    await define(ann.shop, "half", HALF, code="HALF", perCustomer=3)
    first = await ann.checkout("book-1", voucherCode="half")
    again = await ann.checkout("book-1", voucherCode="half")
    assert (first["discount"], again["discount"]) == (50, 50)
    assert first["vouchers"] == again["vouchers"]
    assert ann.shop.sql("SELECT claimed FROM coupon") == [(1,)]
    before = all_books(ann.shop)
    unknown = await quote(ann, "book-1", voucherCode="nothing")
    assert (unknown.status_code, codes_of(unknown.json()["reasons"])) == (409, {"nothing": "unknown_code"})
    assert all_books(ann.shop) == before


async def test_two_orders_with_one_voucher_and_its_explained_refusal(ann: Buyer) -> None:
    await define(ann.shop, "half", HALF)
    voucher = hold(ann.shop, "ann", "half")
    one, two = await ann.checkout("book-1"), await ann.checkout("book-2")
    assert (await ann.send(ann.payment(one["orderToken"], ["book-1"]))).json()["paid"] == 50
    before = all_books(ann.shop)
    refused = await ann.send(ann.payment(two["orderToken"], ["book-2"]))
    assert (refused.status_code, refused.json()["code"]) == (409, "voucher_unusable")
    assert codes_of(refused.json()["reasons"]) == {voucher: "used"}
    assert all_books(ann.shop) == before


async def test_a_first_purchase_is_asked_again_at_payment(ann: Buyer) -> None:
    """Two offers made before the first purchase: only one of them may have its price."""
    await define(ann.shop, "first", {**HALF, "conditions": {"firstPurchase": True}}, perCustomer=2)
    vouchers = [hold(ann.shop, "ann", "first") for _ in range(2)]
    one = await ann.checkout("book-1", voucherIds=[vouchers[0]])
    two = await ann.checkout("book-2", voucherIds=[vouchers[1]])
    assert (await ann.send(ann.payment(one["orderToken"], ["book-1"]))).status_code == 200
    before = all_books(ann.shop)
    refused = await ann.send(ann.payment(two["orderToken"], ["book-2"]))
    assert (refused.status_code, codes_of(refused.json()["reasons"])) == (409, {vouchers[1]: "not_first_purchase"})
    assert all_books(ann.shop) == before
    assert (await ann.checkout("book-2"))["vouchers"][0]["reason"]["code"] == "not_first_purchase"


async def test_groups_and_categories(ann: Buyer) -> None:
    operator = await api_key(ann.shop, "customers:write")
    await define(ann.shop, "vip", {**HALF, "conditions": {"groups": ["vip"], "categories": ["novel"]}})
    hold(ann.shop, "ann", "vip")
    ann.shop.sql("UPDATE product SET attributes = '{\"categories\": \"old, novel\"}' WHERE product_id = 'book-2'")
    reasons = []
    for groups in ([], ["vip"]):
        body = {"custId": "ann", "groups": groups}
        assert (await ann.shop.http.post("/v1/admin/customers", json=body, headers=operator)).status_code in (200, 201)
        reasons.append((await ann.checkout("book-1"))["vouchers"][0]["reason"]["code"])
    assert reasons == ["not_in_group", "products_not_eligible"]
    order = await ann.checkout("book-1", "book-2")
    assert [line["discount"] for line in order["lines"]] == [0, 50]


async def test_a_free_order(ann: Buyer) -> None:
    """All of it taken off: paid with nothing, also by a customer who has no wallet."""
    await define(ann.shop, "all", {"name": "All", "effect": {"kind": "percent", "off": 100}})
    bob = buyer(ann.shop, "bob")
    hold(ann.shop, "bob", "all")
    order = await bob.checkout("book-1")
    assert (order["total"], order["wallet"]) == (0, {"balance": 0, "sufficient": True, "shortfall": 0})
    assert (await bob.send(bob.payment(order["orderToken"], ["book-1"]))).json()["paid"] == 0
    assert differences(ann.shop) == []


@pytest.mark.parametrize("state", ["paused", "withdrawn"])
async def test_paused_and_withdrawn(ann: Buyer, state: str) -> None:
    """A paused coupon's offers can still be paid, a withdrawn one's cannot; new offers are refused both."""
    await define(ann.shop, "half", HALF)
    voucher = hold(ann.shop, "ann", "half")
    order = await ann.checkout("book-1")
    await define(ann.shop, "half", HALF, status=state)
    assert (await ann.checkout("book-1"))["vouchers"][0]["reason"]["code"] == state
    paid = await ann.send(ann.payment(order["orderToken"], ["book-1"]))
    if state == "paused":
        assert paid.status_code == 200
    else:
        assert (paid.status_code, codes_of(paid.json()["reasons"])) == (409, {voucher: "withdrawn"})


async def test_claims_of_a_public_code_then_checkout(ann: Buyer) -> None:
    await define(ann.shop, "half", HALF, code="HALF")
    assert (await claim(ann, "half")).status_code == 201
    assert (await ann.checkout("book-1"))["discount"] == 50


async def test_checkouts_at_the_same_time_show_each_voucher_once(ann: Buyer) -> None:
    await define(ann.shop, "half", HALF)
    half = hold(ann.shop, "ann", "half")
    orders = await asyncio.gather(*(ann.checkout("book-1") for _ in range(20)))
    assert [[voucher["voucherId"] for voucher in order["vouchers"]] for order in orders] == [[half]] * 20


async def test_a_moment_that_utc_has_not_hinders_no_checkout(ann: Buyer) -> None:
    """Nobody can define one any more; a shop may have stored one before."""
    put_coupon(ann.shop, "ten")
    held = hold(ann.shop, "ann", "ten")
    for moment, usable in (("9999-12-31T23:59:59-14:00", False), ("0001-01-01T00:00:00+14:00", True)):
        ann.shop.sql(
            "UPDATE coupon SET definition = definition || jsonb_build_object('validFrom', %s::text)", (moment,)
        )
        [voucher] = (await ann.checkout("book-1"))["vouchers"]
        assert (voucher["voucherId"], voucher["usable"]) == (held, usable)
        assert usable or (voucher["reason"]["code"], voucher["reason"]["from"]) == (
            "not_started", "9999-12-31T23:59:59.000-14:00"
        )  # fmt: skip
        assert (await ann.get("/v1/vouchers")).status_code == 200
