"""Customers who game refunds: each ends as docs/refunds.md says, with the books right and nothing kept for nothing."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from lingdang.keys import Keyring
from support.buyer import Buyer, buyer, give, stock
from support.refunds import bought, desk_of, own, owned, refund, refundable
from support.shop import Shop, open_shop
from support.vouchers import all_books, codes_of, differences, hold, put_coupon

GIFT = {
    "name": "A prequel as a gift",
    "effect": {"kind": "free_product", "productId": "gift"},
    "conditions": {"minSpend": 150},
}
THREE_FOR_TWO = {"name": "Three for two", "effect": {"kind": "buy_pay", "buy": 3, "pay": 2}}
BIG = {"name": "50 off from 200", "effect": {"kind": "fixed", "amount": 50}, "conditions": {"minSpend": 200}}
FIRST = {
    "name": "Welcome",
    "effect": {"kind": "fixed", "amount": 10},
    "conditions": {"firstPurchase": True},
}


@pytest.fixture
async def policy(database_url: str, keyring: Keyring) -> AsyncIterator[Shop]:
    """A shop in which customers give back what they have not opened; the books are right when the test is over."""
    async with open_shop(database_url, keyring, refund_days=7) as opened:
        stock(opened, "a", "b", "c", "gift")
        stock(opened, "sample", price=0)
        yield opened
        assert differences(opened) == []


@pytest.fixture
async def ann(policy: Shop) -> Buyer:
    """Ann with 1,000 paid bells."""
    await give(policy, "ann", 1000)
    return buyer(policy)


async def balance(ann: Buyer, currency: str = "BELL") -> int:
    wallets = {each["currency"]: each["balance"] for each in (await ann.get("/v1/wallet")).json()["balances"]}
    return int(wallets[currency])


async def unused(ann: Buyer) -> set[str]:
    items = (await ann.get("/v1/vouchers")).json()["items"]
    return {each["voucherId"] for each in items if each["state"] == "unused"}


async def assert_refused(ann: Buyer, order_id: str, reasons: dict[str, str], **asked: Any) -> None:
    """The customer's own refund is refused for these reasons, as it was shown before, and changes nothing."""
    before = all_books(ann.shop)
    named = {"productIds": ",".join(asked["productIds"])} if "productIds" in asked else {}
    told = (await ann.get(f"/v1/orders/{order_id}/refundable", **named)).json()
    assert (told["refundable"], told["reasons"]) == (False, reasons)
    answer = await own(ann, order_id, "refused", **asked)
    assert (answer.status_code, answer.json()["code"]) == (409, "refund_not_allowed")
    assert answer.json()["reasons"] == reasons
    assert all_books(ann.shop) == before


async def test_a_voucher_that_only_the_refunded_book_made_possible(policy: Shop, ann: Buyer) -> None:
    """Two books reach the voucher's least sum; none of them is kept alone for what it cost beside the other."""
    put_coupon(policy, "big", definition=BIG)
    voucher = hold(policy, "ann", "big")
    order_id = await bought(ann, "a", "b", voucherIds=[voucher])
    for book in ("a", "b"):
        await assert_refused(ann, order_id, {"order": "voucher_order"}, productIds=[book])
    kept = await own(ann, order_id, productIds=["b"], keepDiscount=True)
    assert (kept.status_code, kept.json()["code"]) == (400, "invalid_request")
    assert (await ann.get("/v1/access", productId="a")).status_code == 204
    await assert_refused(ann, order_id, {"a": "opened"})
    await assert_refused(ann, order_id, {"order": "voucher_order", "a": "opened"}, productIds=["a"])
    assert (await balance(ann), await owned(ann)) == (850, {"a", "b"})
    desk = await desk_of(policy)
    assert (await refund(policy, desk, order_id)).json()["vouchers"] == [voucher]
    assert (await balance(ann), await owned(ann), await unused(ann)) == (1000, set(), {voucher})
    alone = await ann.checkout("a")
    assert ([each["usable"] for each in alone["vouchers"]], alone["total"]) == ([False], 100)


async def test_a_free_product_is_not_kept_without_what_it_was_given_for(policy: Shop, ann: Buyer) -> None:
    put_coupon(policy, "gift", definition=GIFT)
    voucher = hold(policy, "ann", "gift")
    order_id = await bought(ann, "a", "b", "gift", voucherIds=[voucher])
    assert await balance(ann) == 800
    await assert_refused(ann, order_id, {"order": "voucher_order"}, productIds=["a", "b"])
    await assert_refused(ann, order_id, {"order": "voucher_order"}, productIds=["gift"])
    done = (await own(ann, order_id)).json()
    assert (done["refunded"], done["vouchers"]) == (200, [voucher])
    assert done["lines"][2] == {"productId": "gift", "amount": 0}
    assert (await balance(ann), await owned(ann), await unused(ann)) == (1000, set(), {voucher})


async def test_an_operator_may_leave_the_free_product_and_the_voucher_comes_with_it(policy: Shop, ann: Buyer) -> None:
    """The voucher comes back with the last line of the order, which gives back no bells; not before."""
    put_coupon(policy, "gift", definition=GIFT)
    voucher = hold(policy, "ann", "gift")
    order_id = await bought(ann, "a", "b", "gift", voucherIds=[voucher])
    desk = await desk_of(policy)
    paid = (await refund(policy, desk, order_id, "r-1", productIds=["a", "b"], keepDiscount=True)).json()
    assert (paid["refunded"], paid["vouchers"], await owned(ann), await unused(ann)) == (200, [], {"gift"}, set())
    assert (await ann.get(f"/v1/orders/{order_id}")).json()["status"] == "partly_refunded"
    rest = (await own(ann, order_id)).json()
    assert (rest["refunded"], rest["lots"], rest["vouchers"]) == (0, [], [voucher])
    assert (await balance(ann), await owned(ann), await unused(ann)) == (1000, set(), {voucher})
    assert (await ann.get(f"/v1/orders/{order_id}")).json()["status"] == "refunded"


async def test_three_for_two_is_given_back_as_three(policy: Shop, ann: Buyer) -> None:
    policy.sql("UPDATE product SET price = 40 WHERE product_id = 'c'")
    put_coupon(policy, "three", definition=THREE_FOR_TWO)
    voucher = hold(policy, "ann", "three")
    order_id = await bought(ann, "a", "b", "c", voucherIds=[voucher])
    assert await balance(ann) == 800
    for names in (["a"], ["c"], ["a", "b"]):
        await assert_refused(ann, order_id, {"order": "voucher_order"}, productIds=names)
    desk = await desk_of(policy)
    [free] = (await refund(policy, desk, order_id, "r-1", productIds=["c"], keepDiscount=True)).json()["lines"]
    assert free == {"productId": "c", "amount": 0}
    # What is left of it comes back together, though the discount of the third stays with nobody.
    await assert_refused(ann, order_id, {"order": "voucher_order"}, productIds=["b"])
    done = (await own(ann, order_id)).json()
    assert (done["refunded"], done["vouchers"]) == (200, [voucher])
    assert (await balance(ann), await owned(ann), await unused(ann)) == (1000, set(), {voucher})


async def test_a_line_without_a_voucher_is_given_back_alone(policy: Shop, ann: Buyer) -> None:
    """Beside the games: where nothing was taken off, one line of three comes back at its price."""
    put_coupon(policy, "three", definition=THREE_FOR_TWO)
    voucher = hold(policy, "ann", "three")
    order_id = await bought(ann, "a", "b", "c", voucherIds=[])
    done = (await own(ann, order_id, productIds=["b"])).json()
    assert (done["refunded"], done["vouchers"], await unused(ann)) == (100, [], {voucher})
    assert await owned(ann) == {"a", "c"}


async def test_an_order_of_no_bells(policy: Shop) -> None:
    """Of a customer without a bell: the right ends, nothing comes back, and the book can be had again."""
    bob = buyer(policy, "bob")
    order_id = await bought(bob, "sample")
    told = (await bob.get(f"/v1/orders/{order_id}/refundable")).json()
    assert (told["refundable"], told["amount"], told["lots"]) == (True, 0, [])
    done = (await own(bob, order_id)).json()
    assert (done["refunded"], done["lots"], done["balance"]) == (0, [], 0)
    assert done["lines"] == [{"productId": "sample", "amount": 0}]
    assert (await own(bob, order_id, "m-2")).json()["code"] == "already_refunded"
    assert await owned(bob) == set()
    assert (await bob.get(f"/v1/orders/{order_id}")).json()["status"] == "refunded"
    assert await bought(bob, "sample") != order_id
    assert await owned(bob) == {"sample"}


async def test_a_refund_while_in_another_currency(policy: Shop, ann: Buyer) -> None:
    """The book costs another currency by now, which the customer has too: what was paid comes back, in what it was."""
    order_id = await bought(ann, "a", "b")
    policy.sql("UPDATE product SET currency = 'GEM', price = 7, list_price = 7 WHERE product_id = 'a'")
    desk = await desk_of(policy)
    gems = {"creditId": "g", "amount": 50, "kind": "bonus", "currency": "GEM", "reason": "gems"}
    credited = await policy.http.post("/v1/admin/wallets/ann/credits", json=gems, headers=desk)
    assert credited.status_code == 200, credited.text
    done = (await own(ann, order_id, productIds=["a"])).json()
    assert (done["currency"], done["refunded"], done["balance"]) == ("BELL", 100, 900)
    assert (await balance(ann), await balance(ann, "GEM")) == (900, 50)
    again = await bought(ann, "a")
    assert (await balance(ann), await balance(ann, "GEM")) == (900, 43)
    rest = (await refund(policy, desk, order_id)).json()
    assert (rest["currency"], rest["balance"], rest["lines"]) == ("BELL", 1000, [{"productId": "b", "amount": 100}])
    back = (await own(ann, again, "m-2")).json()
    assert (back["currency"], back["refunded"], back["balance"]) == ("GEM", 7, 50)
    assert back["lots"] == [{"lot": "bonus", "kind": "bonus", "amount": 7, "expiresAt": None}]
    assert await owned(ann) == set()


async def test_a_first_purchase_is_one_again_only_when_all_of_it_came_back(policy: Shop, ann: Buyer) -> None:
    """The voucher of a first purchase is asked again at the payment, and comes back with its own order alone."""
    put_coupon(policy, "first", definition=FIRST)
    voucher = hold(policy, "ann", "first")
    early = await ann.checkout("c", voucherIds=[voucher])
    other = await bought(ann, "a", "b", voucherIds=[])
    held = ann.payment(early["orderToken"], ["c"])
    await own(ann, other, "m-1", productIds=["a"])
    before = all_books(policy)
    late = await ann.send(held)
    assert (late.status_code, codes_of(late.json()["reasons"])) == (409, {voucher: "not_first_purchase"})
    assert all_books(policy) == before
    await own(ann, other, "m-2")
    assert (await ann.send(held)).json()["paid"] == 90
    second = await bought(ann, "a")
    assert (await own(ann, early["orderId"], "m-3")).json()["vouchers"] == [voucher]
    [told] = (await ann.checkout("c"))["vouchers"]
    assert (told["usable"], told["reason"]["code"]) == (False, "not_first_purchase")
    await own(ann, second, "m-4")
    assert (await ann.checkout("c"))["total"] == 90
    # An order of 0 bells was never a purchase, and is none after its refund.
    sample = await bought(ann, "sample", voucherIds=[])
    assert (await ann.checkout("c"))["total"] == 90
    await own(ann, sample, "m-5")
    assert (await ann.checkout("c"))["total"] == 90


async def test_what_a_refund_would_do_is_nobodys_refund(policy: Shop, ann: Buyer) -> None:
    """Whatever ids refunds have, the question what one would bring is answered by the order alone."""
    desk = await desk_of(policy)
    first = await bought(ann, "a")
    for refund_id in ("-", "."):
        second = await bought(ann, "b")
        assert (await refund(policy, desk, second, refund_id, reason="other")).status_code == 200
        third = await bought(ann, "c")
        assert (await own(ann, third, refund_id)).status_code == 200
        for order_id, left in ((first, True), (second, False), (third, False)):
            told = await refundable(policy, desk, order_id)
            mine = (await ann.get(f"/v1/orders/{order_id}/refundable")).json()
            assert (told["refundable"], mine["refundable"]) == (left, left)
