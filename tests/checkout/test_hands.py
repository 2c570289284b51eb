"""Large hands: the best voucher is found, dead ones take no place, and no reason is guessed."""

from typing import Any

import pytest

from lingdang.catalog.memory import Memory
from lingdang.checkout.hands import Held
from lingdang.checkout.reading import MOST_VOUCHERS, CheckoutReader, Question
from lingdang.clock import system_clock
from lingdang.db.lane import Lane
from lingdang.ids import uuid7
from support.buyer import Buyer, buyer, give, stock
from support.customers import key_of, owner_of
from support.people import api_key
from support.shop import Shop
from support.vouchers import all_books, codes_of, hold

SMALL = '{"name": "Small", "effect": {"kind": "fixed", "amount": 1}}'
HALF = '{"name": "Half", "effect": {"kind": "percent", "off": 50}}'


@pytest.fixture
async def ann(shop: Shop) -> Buyer:
    stock(shop, "book-1", "book-2", "free-1", price=100)
    shop.sql("UPDATE product SET price = 0 WHERE product_id = 'free-1'")
    await give(shop, "ann", 1000)
    return buyer(shop)


def define(shop: Shop, coupon_id: str, definition: str) -> None:
    shop.sql(
        "INSERT INTO coupon (coupon_id, definition, status, per_customer, created_at, updated_at)"
        " VALUES (%s, %s, 'active', 1000, now(), now())",
        (coupon_id, definition),
    )


def define_many(shop: Shop, count: int) -> None:
    """Coupons `small-1` … of one bell, of which an order takes one."""
    shop.sql(
        "INSERT INTO coupon (coupon_id, definition, status, per_customer, created_at, updated_at)"
        " SELECT 'small-' || n, %s, 'active', 1, now(), now() FROM generate_series(1, %s) n",
        (SMALL, count),
    )


def hold_each(shop: Shop, count: int) -> None:
    """One voucher of each of these, newer than what was held before."""
    ids, coupons = [uuid7() for _ in range(count)], [f"small-{n}" for n in range(1, count + 1)]
    shop.sql(
        "INSERT INTO voucher SELECT 0, %s, v, c, now(), now() + interval '1 year'"
        " FROM unnest(%s::uuid[], %s::text[]) AS n (v, c)",
        (key_of("ann"), ids, coupons),
    )


def applied(order: dict[str, Any]) -> list[str]:
    return [voucher["couponId"] for voucher in order["vouchers"] if voucher["applied"]]


@pytest.mark.parametrize("count", [101, 250])
async def test_the_best_of_many_is_found_though_it_is_the_oldest(ann: Buyer, count: int) -> None:
    define(ann.shop, "half", HALF)
    define_many(ann.shop, count)
    half = hold(ann.shop, "ann", "half")
    hold_each(ann.shop, count)
    order = await ann.checkout("book-1")
    assert (applied(order), order["discount"], order["vouchersProven"]) == (["half"], 50, True)
    assert len(order["vouchers"]) == count + 1
    assert "vouchersHeld" not in order
    named = await ann.checkout("book-1", voucherIds=[half])
    assert (applied(named), named["discount"]) == (["half"], 50)


async def test_beyond_what_is_looked_at_the_answer_says_so(ann: Buyer) -> None:
    """Of each coupon one is looked at before a second of any: many of one coupon crowd none out."""
    count = MOST_VOUCHERS - 10
    define(ann.shop, "half", HALF)
    define(ann.shop, "twin", SMALL)
    define_many(ann.shop, count)
    hold(ann.shop, "ann", "half")
    hold_each(ann.shop, count)
    for _ in range(60):
        hold(ann.shop, "ann", "twin")
    order = await ann.checkout("book-1")
    assert (applied(order), order["discount"]) == (["half"], 50)
    assert (order["vouchersConsidered"], order["vouchersHeld"]) == (MOST_VOUCHERS, count + 61)
    assert order["vouchersProven"] is False
    assert len(order["vouchers"]) == MOST_VOUCHERS
    paid = await ann.send(ann.payment(order["orderToken"], ["book-1"]))
    assert (paid.status_code, paid.json()["paid"]) == (200, 50)


async def test_a_named_voucher_that_was_not_looked_at_is_judged(ann: Buyer) -> None:
    count = MOST_VOUCHERS + 5
    define_many(ann.shop, count)
    hold_each(ann.shop, count)
    order = await ann.checkout("book-1")
    assert (order["vouchersConsidered"], order["vouchersHeld"]) == (MOST_VOUCHERS, count)
    seen = {voucher["voucherId"] for voucher in order["vouchers"]}
    unseen = [str(row[0]) for row in ann.shop.sql("SELECT voucher_id FROM voucher") if str(row[0]) not in seen]
    assert len(unseen) == 5
    named = await ann.checkout("book-1", voucherIds=unseen[:1])
    assert [v["voucherId"] for v in named["vouchers"] if v["applied"]] == unseen[:1]
    assert named["discount"] == 1


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("UPDATE coupon SET status = 'paused' WHERE coupon_id = 'half'", "paused"),
        ("UPDATE coupon SET status = 'withdrawn' WHERE coupon_id = 'half'", "withdrawn"),
        ("UPDATE voucher SET expires_at = now() - interval '1 minute' WHERE coupon_id = 'half'", "expired"),
        ("UPDATE voucher SET expires_at = now() - interval '1 year' WHERE coupon_id = 'half'", "expired"),
        (
            "UPDATE voucher SET used_by = gen_random_uuid(), used_at = now(), saved = 1 WHERE coupon_id = 'half'",
            "used",
        ),
        (f"UPDATE voucher SET customer = {key_of('bob')} WHERE coupon_id = 'half'", "not_held"),
    ],
)
@pytest.mark.parametrize("count", [0, MOST_VOUCHERS + 5])
async def test_reasons_are_read(ann: Buyer, statement: str, reason: str, count: int) -> None:
    """In a small hand as in one that is not looked through."""
    define(ann.shop, "half", HALF)
    define_many(ann.shop, count)
    half = hold(ann.shop, "ann", "half")
    hold_each(ann.shop, count)
    ann.shop.sql(statement)
    before = all_books(ann.shop)
    body = {"productIds": ["book-1"], "voucherIds": [half]}
    refused = await ann.shop.http.post("/v1/checkout", json=body, headers=ann.headers)
    assert (refused.status_code, codes_of(refused.json()["reasons"])) == (409, {half: reason})
    assert all_books(ann.shop) == before


@pytest.mark.parametrize(
    "death",
    [
        "UPDATE voucher SET expires_at = now() - interval '1 day' WHERE starts_with(coupon_id, 'small-')",
        "UPDATE coupon SET status = 'withdrawn' WHERE starts_with(coupon_id, 'small-')",
        "UPDATE coupon SET status = 'paused' WHERE starts_with(coupon_id, 'small-')",
    ],
)
async def test_dead_vouchers_take_no_place(ann: Buyer, death: str) -> None:
    count = MOST_VOUCHERS + 5
    define(ann.shop, "half", HALF)
    define_many(ann.shop, count)
    hold(ann.shop, "ann", "half")
    hold_each(ann.shop, count)
    ann.shop.sql(death)
    order = await ann.checkout("book-1")
    assert (applied(order), order["discount"], order["vouchersProven"]) == (["half"], 50, True)
    assert "vouchersHeld" not in order


async def test_a_free_order_is_no_purchase(ann: Buyer) -> None:
    """A sample does not end "first purchase", at the checkout and at the payment; an order above 0 does."""
    first = {"name": "First", "effect": {"kind": "percent", "off": 50}, "conditions": {"firstPurchase": True}}
    operator = await api_key(ann.shop, "coupons:write")
    body = {"definition": first, "perCustomer": 9}
    answer = await ann.shop.http.put("/v1/admin/coupons/first", json=body, headers=operator)
    assert answer.status_code == 201, answer.text
    assert (await ann.buy("free-1")).json()["paid"] == 0
    one, two = hold(ann.shop, "ann", "first"), hold(ann.shop, "ann", "first")
    orders = [
        (product_id, await ann.checkout(product_id, voucherIds=[voucher_id]))
        for product_id, voucher_id in (("book-1", one), ("book-2", two))
    ]
    (product_id, order), (later_id, later) = orders
    assert (await ann.send(ann.payment(order["orderToken"], [product_id]))).json()["paid"] == 50
    before = all_books(ann.shop)
    refused = await ann.send(ann.payment(later["orderToken"], [later_id]))
    assert (refused.status_code, codes_of(refused.json()["reasons"])) == (409, {two: "not_first_purchase"})
    assert (await ann.checkout("book-2"))["vouchers"][0]["reason"]["code"] == "not_first_purchase"
    assert all_books(ann.shop) == before


async def read_hand(reader: CheckoutReader) -> Held:
    facts = await reader.read(Question(owner_of("ann"), ("book-1",)))
    assert facts.held is not None
    return facts.held


async def test_a_definition_is_read_once_and_again_when_it_has_changed(ann: Buyer) -> None:
    define(ann.shop, "half", HALF)
    hold(ann.shop, "ann", "half")
    reader = CheckoutReader(0, Lane(ann.shop.database_url, False), Memory(), system_clock, queue_limit=9, batch_limit=9)
    reader.open()
    first, again = [(await read_hand(reader)).vouchers[0].definition for _ in range(2)]
    assert again is first, "it is the one that was read before"
    ann.shop.sql("UPDATE coupon SET definition = jsonb_set(definition, '{name}', '\"Twin\"'), claimed = claimed + 1")
    assert (await read_hand(reader)).vouchers[0].definition.name == "Twin"
    ann.shop.sql("UPDATE coupon SET status = 'paused'")
    assert (await read_hand(reader)).vouchers[0].status == "paused"
    await reader.close()
