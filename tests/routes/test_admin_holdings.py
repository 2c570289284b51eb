"""What a customer has, asked for by the platform's backend: the answers that the customer is given."""

import pytest

from support.buyer import Buyer, books, buyer, give, stock
from support.people import api_key, register
from support.shop import Shop
from support.vouchers import all_books, hold, put_coupon

OWN = {
    "wallet": "/v1/wallet",
    "entries": "/v1/wallet/entries",
    "entitlements": "/v1/entitlements",
    "vouchers": "/v1/vouchers",
    "orders": "/v1/orders",
}
"""By the question about a customer: where the customer asks it."""
LISTS = [name for name in OWN if name != "wallet"]


@pytest.fixture
async def ann(shop: Shop) -> Buyer:
    """Ann, who has bought three books and holds three vouchers; Bob has others."""
    stock(shop, "a", "b", "c")
    for cust_id in ("ann", "bob"):
        await give(shop, cust_id, 500)
    put_coupon(shop, "ten", each=9)
    one, other = buyer(shop), buyer(shop, "bob")
    for name in ("a", "b", "c"):
        hold(shop, "ann", "ten")
        assert (await one.buy(name)).status_code == 200
    hold(shop, "bob", "ten")
    assert (await other.buy("a")).status_code == 200
    return one


@pytest.mark.parametrize("name", OWN)
async def test_the_backend_is_told_what_the_customer_is_told(shop: Shop, ann: Buyer, name: str) -> None:
    reader = await api_key(shop, "customers:read")
    before = all_books(shop)
    answer = await shop.http.get(f"/v1/admin/customers/ann/{name}", headers=reader)
    assert (answer.status_code, answer.json()) == (200, (await ann.get(OWN[name])).json())
    assert all_books(shop) == before


@pytest.mark.parametrize("name", LISTS)
async def test_page_by_page(shop: Shop, ann: Buyer, name: str) -> None:
    reader = await api_key(shop, "customers:read")
    path = f"/v1/admin/customers/ann/{name}"
    whole = (await ann.get(OWN[name])).json()["items"]
    first = (await shop.http.get(path, params={"limit": 2}, headers=reader)).json()
    rest = (await shop.http.get(path, params={"cursor": first["nextCursor"]}, headers=reader)).json()
    assert (len(first["items"]), first["items"] + rest["items"], rest["nextCursor"]) == (2, whole, None)
    wrong = await shop.http.get(path, params={"limit": 201}, headers=reader)
    assert (wrong.status_code, wrong.json()["errors"][0]["path"]) == (400, "$.limit")


async def test_one_customer(shop: Shop) -> None:
    """Who signs in with a password, and whom a platform's token or a credit made known, under any custId."""
    added = await register(shop, "ann")
    buyer(shop, "auth0|5f7c@example.org")
    shop.sql("UPDATE customer SET groups = '{students}' WHERE customer_id = 'ann'")
    reader = await api_key(shop, "customers:read")
    one = (await shop.http.get("/v1/admin/customers/ann", headers=reader)).json()
    assert one == {
        "custId": "ann",
        "createdAt": added.created_at.isoformat().replace("+00:00", "Z"),
        "groups": ["students"],
        "hasPassword": True,
    }
    other = (await shop.http.get("/v1/admin/customers/auth0%7C5f7c%40example.org", headers=reader)).json()
    assert (other["custId"], other["groups"], other["hasPassword"]) == ("auth0|5f7c@example.org", [], False)


@pytest.mark.parametrize("name", ["", *(f"/{name}" for name in OWN)])
async def test_nobody_has_heard_of_them(shop: Shop, ann: Buyer, name: str) -> None:
    reader = await api_key(shop, "customers:read")
    before = books(shop), shop.sql("SELECT * FROM customer ORDER BY customer")
    for cust_id in ("Ann", "carol", "ann~"):
        answer = await shop.http.get(f"/v1/admin/customers/{cust_id}{name}", headers=reader)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    no_id = await shop.http.get(f"/v1/admin/customers/a%20b{name}", headers=reader)
    assert (no_id.status_code, no_id.json()["code"]) == (400, "invalid_request")
    assert (books(shop), shop.sql("SELECT * FROM customer ORDER BY customer")) == before
    assert (await ann.get("/v1/wallet")).status_code == 200


async def test_who_has_nothing(shop: Shop) -> None:
    buyer(shop, "carol")
    reader = await api_key(shop, "customers:read")
    for name in LISTS:
        answer = await shop.http.get(f"/v1/admin/customers/carol/{name}", headers=reader)
        assert (answer.status_code, answer.json()) == (200, {"items": [], "nextCursor": None})
    wallet = (await shop.http.get("/v1/admin/customers/carol/wallet", headers=reader)).json()
    assert [(each["currency"], each["balance"]) for each in wallet["balances"]] == [("BELL", 0)]


async def test_a_customer_who_signed_out_is_read_all_the_same(shop: Shop, ann: Buyer) -> None:
    assert (await shop.http.delete("/v1/sessions/current", headers=ann.headers)).status_code == 204
    assert (await ann.get("/v1/orders")).status_code == 401
    reader = await api_key(shop, "customers:read")
    answer = await shop.http.get("/v1/admin/customers/ann/orders", headers=reader)
    assert (answer.status_code, len(answer.json()["items"])) == (200, 3)


async def test_many_rights_are_checked_at_once(shop: Shop, ann: Buyer) -> None:
    desk = await api_key(shop)
    gift = {"grantId": "g-1", "reason": "a gift"}
    stock(shop, "d")
    assert (await shop.http.put("/v1/admin/customers/ann/entitlements/d", json=gift, headers=desk)).status_code == 200
    owned = {each["productId"]: each for each in (await ann.get("/v1/entitlements")).json()["items"]}
    asked = {"custId": "ann", "productIds": ["d", "no-such-book", "a"]}
    answer = await shop.http.post("/v1/admin/entitlements/check", json=asked, headers=desk)
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "items": [
                owned["d"] | {"entitled": True},
                {"productId": "no-such-book", "entitled": False},
                owned["a"] | {"entitled": True},
            ]
        },
    )
    assert owned["d"]["grantId"] == "g-1"


@pytest.mark.parametrize(
    ("asked", "status", "path"),
    [
        ({"custId": "nobody", "productIds": ["a"]}, 404, None),
        ({"custId": "ann", "productIds": []}, 400, "$.productIds"),
        ({"custId": "ann", "productIds": ["a b"]}, 400, "$.productIds[0]"),
        ({"custId": "ann", "productIds": ["a"] * 201}, 400, "$.productIds"),
        ({"custId": "ann", "productIds": ["a"], "createCustomer": True}, 400, "$"),
        ({"productIds": ["a"]}, 400, "$"),
    ],
)
async def test_a_check_that_is_refused(
    shop: Shop, ann: Buyer, asked: dict[str, object], status: int, path: str | None
) -> None:
    before = books(shop), shop.sql("SELECT count(*) FROM customer")
    reader = await api_key(shop, "customers:read")
    answer = await shop.http.post("/v1/admin/entitlements/check", json=asked, headers=reader)
    assert answer.status_code == status
    assert [error["path"] for error in answer.json().get("errors", [])] == ([path] if path else [])
    assert (books(shop), shop.sql("SELECT count(*) FROM customer")) == before
    assert (await ann.get("/v1/wallet")).status_code == 200
