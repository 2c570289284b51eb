"""The operators' side: definitions, what may change after a claim, figures, scope."""

from support.buyer import buyer
from support.customers import key_of
from support.people import api_key
from support.shop import Shop
from support.vouchers import all_books, claim, hold, put_coupon


async def test_figures_and_list(shop: Shop) -> None:
    put_coupon(shop, "ten", code="TEN", limit=5)
    put_coupon(shop, "other")
    hold(shop, "bob", "ten")
    assert (await claim(buyer(shop), "TEN")).status_code == 201
    used = "UPDATE voucher SET used_by = gen_random_uuid(), used_at = now(), saved = 10 WHERE customer = %s"
    shop.sql(used, (key_of("bob"),))
    operator = await api_key(shop, "coupons:write")
    one = (await shop.http.get("/v1/admin/coupons/ten", headers=operator)).json()
    assert (one["claimed"], one["used"], one["saved"], one["totalLimit"]) == (2, 1, 10, 5)
    first = (await shop.http.get("/v1/admin/coupons", params={"limit": 1}, headers=operator)).json()
    second = await shop.http.get("/v1/admin/coupons", params={"cursor": first["nextCursor"]}, headers=operator)
    assert [i["couponId"] for i in first["items"] + second.json()["items"]] == ["other", "ten"]
    assert (await shop.http.get("/v1/admin/coupons/none", headers=operator)).status_code == 404


async def test_another_scope_is_refused(shop: Shop) -> None:
    put_coupon(shop, "ten")
    before = all_books(shop)
    wrong = await api_key(shop, "catalog:write")
    for answer in (
        await shop.http.get("/v1/admin/coupons", headers=wrong),
        await shop.http.get("/v1/admin/coupons/ten", headers=wrong),
        await shop.http.post("/v1/admin/coupons/ten/grants", json={"custIds": ["ann"]}, headers=wrong),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert all_books(shop) == before
