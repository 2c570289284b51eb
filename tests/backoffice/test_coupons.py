"""Vouchers that an operator gives: one each, within the coupon's limits."""

from support.customers import make_known
from support.people import api_key
from support.shop import Shop
from support.vouchers import all_books, differences, put_coupon


async def test_grants_are_given_once_and_within_the_limit(shop: Shop) -> None:
    make_known(shop.database_url, "ann", "bob", "carl")
    put_coupon(shop, "ten", limit=2)
    operator = await api_key(shop, "coupons:write")
    path = "/v1/admin/coupons/ten/grants"
    first = await shop.http.post(path, json={"custIds": ["ann", "bob", "carl"]}, headers=operator)
    assert first.status_code == 200, first.text
    assert [(i["custId"], i["isNew"], i["reason"]) for i in first.json()["items"]] == [
        ("ann", True, None),
        ("bob", True, None),
        ("carl", False, "sold_out"),
    ]
    before = all_books(shop)
    again = await shop.http.post(path, json={"custIds": ["ann", "bob"]}, headers=operator)
    assert [i["voucherId"] for i in again.json()["items"]] == [i["voucherId"] for i in first.json()["items"][:2]]
    assert {i["isNew"] for i in again.json()["items"]} == {False}
    unknown = await shop.http.post("/v1/admin/coupons/none/grants", json={"custIds": ["ann"]}, headers=operator)
    assert unknown.status_code == 404
    assert all_books(shop) == before


async def test_a_grant_to_somebody_unknown_is_refused_for_all_unless_they_are_to_be_added(shop: Shop) -> None:
    [ann] = make_known(shop.database_url, "ann")
    put_coupon(shop, "ten")
    operator = await api_key(shop, "coupons:write")
    path, wanted = "/v1/admin/coupons/ten/grants", {"custIds": ["ann", "nobody-yet"]}
    before = all_books(shop)
    refused = await shop.http.post(path, json=wanted, headers=operator)
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    unknown = await shop.http.post(
        "/v1/admin/coupons/none/grants", json=wanted | {"createCustomer": True}, headers=operator
    )
    assert unknown.status_code == 404
    assert all_books(shop) == before
    assert shop.sql("SELECT customer_id FROM customer") == [("ann",)]

    granted = await shop.http.post(path, json=wanted | {"createCustomer": True}, headers=operator)
    again = await shop.http.post(path, json=wanted, headers=operator)
    assert [(i["custId"], i["isNew"]) for i in granted.json()["items"]] == [("ann", True), ("nobody-yet", True)]
    assert [i["voucherId"] for i in again.json()["items"]] == [i["voucherId"] for i in granted.json()["items"]]
    held = dict(shop.sql("SELECT customer_id, customer FROM voucher JOIN customer USING (customer)"))
    assert set(held) == {"ann", "nobody-yet"}
    assert held["ann"] == ann.key
    assert differences(shop) == []
