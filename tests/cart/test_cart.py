"""① The cart over HTTP: what a reader ticks, what it costs now, and what is refused."""

import asyncio
from typing import Any

import pytest

from lingdang.cart.carts import MAX_ITEMS
from lingdang.keys import Keyring
from support.buyer import buyer, give, stock
from support.carts import end_session, rows, tick
from support.customers import key_of
from support.shop import Shop, open_shop


def item(product_id: str, **changed: Any) -> dict[str, Any]:
    return {
        "productId": product_id,
        "title": f"Title of {product_id}",
        "currency": "BELL",
        "listPrice": 120,
        "price": 100,
        "ticked": True,
        "owned": False,
        "available": True,
    } | changed


async def test_a_tick_answers_the_price_and_what_is_selected(shop: Shop) -> None:
    stock(shop, "b-1", "b-2")
    ann = buyer(shop)
    first = await shop.http.put("/v1/cart/items/b-1", headers=ann.headers)  # the body may be left out
    assert first.status_code == 200
    assert first.json() == {"item": item("b-1"), "selected": {"count": 1, "total": 100}}
    assert (await tick(ann, "b-2")).json()["selected"] == {"count": 2, "total": 200}
    off = await tick(ann, "b-1", False)
    assert off.json() == {"item": item("b-1", ticked=False), "selected": {"count": 1, "total": 100}}

    cart = await ann.get("/v1/cart")
    assert cart.json() == {
        "items": [item("b-1", ticked=False), item("b-2")],
        "selected": {"count": 1, "total": 100},
    }
    assert (await buyer(shop, "bob").get("/v1/cart")).json() == {"items": [], "selected": {"count": 0, "total": 0}}


async def test_a_repeated_tick_changes_nothing(shop: Shop) -> None:
    stock(shop, "b-1")
    ann = buyer(shop)
    first = await tick(ann, "b-1")
    before = rows(shop)
    assert (await tick(ann, "b-1")).json() == first.json()
    assert rows(shop) == before


async def test_prices_are_always_current(shop: Shop) -> None:
    stock(shop, "b-1", "b-2")
    ann = buyer(shop)
    await tick(ann, "b-1")
    shop.sql("UPDATE product SET price = 70 WHERE product_id = 'b-1'")
    assert (await ann.get("/v1/cart")).json()["selected"] == {"count": 1, "total": 70}
    assert (await tick(ann, "b-2")).json()["selected"] == {"count": 2, "total": 170}


async def test_what_is_off_sale_stays_in_the_cart_but_is_not_selected(shop: Shop) -> None:
    stock(shop, "b-1", "b-2")
    ann = buyer(shop)
    await tick(ann, "b-1")
    shop.sql("UPDATE product SET status = 'withdrawn' WHERE product_id = 'b-1'")
    answer = await tick(ann, "b-2")
    assert answer.json()["selected"] == {"count": 1, "total": 100}
    cart = (await ann.get("/v1/cart")).json()
    assert cart["items"] == [item("b-1", available=False), item("b-2")]
    assert cart["selected"] == {"count": 1, "total": 100}


async def test_bought_products_show_as_owned_and_leave_at_the_next_tick(shop: Shop) -> None:
    stock(shop, "b-1", "b-2", "b-3")
    ann = buyer(shop)
    await give(shop, "ann", 1000)
    await tick(ann, "b-1")
    await tick(ann, "b-2")
    assert (await ann.buy("b-1")).status_code == 200
    cart = (await ann.get("/v1/cart")).json()
    assert cart["items"] == [item("b-1", owned=True), item("b-2")]
    assert cart["selected"] == {"count": 1, "total": 100}

    assert (await tick(ann, "b-3")).json()["selected"] == {"count": 2, "total": 200}
    assert [i["productId"] for i in (await ann.get("/v1/cart")).json()["items"]] == ["b-2", "b-3"]
    again = await tick(ann, "b-1")
    assert again.json() == {"item": item("b-1", owned=True), "selected": {"count": 2, "total": 200}}


async def test_a_mixed_cart_is_added_up_in_the_currency_of_its_first_selected_product(shop: Shop) -> None:
    stock(shop, "b-1", "b-2", "g-1", "g-2")
    shop.sql("UPDATE product SET currency = 'GEM', price = 7 WHERE product_id LIKE 'g-%%'")
    ann = buyer(shop)
    for product_id in ("b-1", "g-1", "g-2"):
        answer = await tick(ann, product_id)
    assert answer.json()["selected"] == {"count": 1, "total": 100}
    off = await tick(ann, "b-1", False)
    assert off.json()["selected"] == (await ann.get("/v1/cart")).json()["selected"] == {"count": 2, "total": 14}


async def test_tick_all_and_none(shop: Shop) -> None:
    stock(shop, "b-1", "b-2")
    ann, bob = buyer(shop), buyer(shop, "bob")
    await tick(ann, "b-1")
    await tick(ann, "b-2", False)
    await tick(bob, "b-1")
    none = await shop.http.patch("/v1/cart", json={"ticked": False}, headers=ann.headers)
    assert none.json() == {
        "items": [item("b-1", ticked=False), item("b-2", ticked=False)],
        "selected": {"count": 0, "total": 0},
    }
    every = await shop.http.patch("/v1/cart", json={"ticked": True}, headers=ann.headers)
    assert every.json()["selected"] == {"count": 2, "total": 200}
    assert (await bob.get("/v1/cart")).json()["selected"] == {"count": 1, "total": 100}


async def test_taking_out_is_204_also_when_absent(shop: Shop) -> None:
    stock(shop, "b-1")
    ann, bob = buyer(shop), buyer(shop, "bob")
    await tick(ann, "b-1")
    await tick(bob, "b-1")
    for _ in range(2):
        answer = await shop.http.delete("/v1/cart/items/b-1", headers=ann.headers)
        assert (answer.status_code, answer.content) == (204, b"")
    assert [row[0] for row in rows(shop)] == ["bob"]
    impossible = await shop.http.delete("/v1/cart/items/a%20b", headers=ann.headers)
    assert (impossible.status_code, impossible.json()["code"]) == (400, "invalid_request")


async def test_an_unknown_product_is_not_found(shop: Shop) -> None:
    answer = await tick(buyer(shop), "nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert rows(shop) == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("b-1", b'{"ticked": 1}'),
        ("b-1", b'{"tick": true}'),
        ("b-1", b"[]"),
        ("b-1", b"{"),
        ("with%20space", b"{}"),
        ("x" * 65, b"{}"),
    ],
)
async def test_a_malformed_tick_is_invalid(shop: Shop, path: str, body: bytes) -> None:
    stock(shop, "b-1")
    answer = await shop.http.put(f"/v1/cart/items/{path}", content=body, headers=buyer(shop).headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert answer.json()["errors"][0]["path"]
    assert rows(shop) == []


async def test_a_tick_of_nothing_has_no_address(shop: Shop) -> None:
    answer = await shop.http.put("/v1/cart/items/", content=b"{}", headers=buyer(shop).headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert rows(shop) == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "GET", "PATCH"])
async def test_who_may_not(shop: Shop, method: str) -> None:
    stock(shop, "b-1", "b-2")
    ann, bob = buyer(shop), buyer(shop, "bob")
    await tick(ann, "b-1")
    before = rows(shop)
    path = "/v1/cart" if method in ("GET", "PATCH") else f"/v1/cart/items/{'b-2' if method == 'PUT' else 'b-1'}"
    body = {} if method in ("GET", "DELETE") else {"json": {"ticked": False}}

    async def refused(headers: dict[str, str], status: int, code: str) -> None:
        answer = await shop.http.request(method, path, headers=headers, **body)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert rows(shop) == before

    await refused({}, 401, "unauthenticated")
    await refused(ann.headers | {"Authorization": "Bearer x"}, 401, "unauthenticated")
    await refused(bob.headers | {"X-Cust-Id": "ann"}, 403, "cust_mismatch")
    end_session(ann)
    await refused(ann.headers, 401, "unauthenticated")


async def test_a_full_cart_takes_no_more_but_still_ticks(shop: Shop) -> None:
    stock(shop, *(f"b-{n}" for n in range(MAX_ITEMS + 2)))
    ann = buyer(shop)
    shop.sql(
        "INSERT INTO cart_item SELECT 0, %s, product_id, true, now() FROM product"
        " WHERE product_id NOT IN ('b-500', 'b-501')",
        (key_of("ann"),),
    )
    before = rows(shop)
    answer = await tick(ann, "b-500")
    assert (answer.status_code, answer.json()["code"], answer.json()["limit"]) == (409, "cart_full", MAX_ITEMS)
    assert rows(shop) == before
    assert (await tick(ann, "b-3", False)).json()["selected"]["count"] == MAX_ITEMS - 1

    shop.sql(
        "INSERT INTO entitlement (customer, granted_by, bucket, product_id) VALUES (%s, 1, 0, 'b-7')", (key_of("ann"),)
    )
    assert (await tick(ann, "b-500")).status_code == 200, "what is owned does not fill the cart"
    assert len(rows(shop)) == MAX_ITEMS
    assert (await tick(ann, "b-501")).json()["code"] == "cart_full"


async def test_parallel_ticks_of_one_customer_are_answered_one_after_the_other(shop: Shop) -> None:
    """Each answer is the cart's state after its own tick: the counts are 1, 2, 3, …, each once."""
    ids = [f"b-{n}" for n in range(40)]
    stock(shop, *ids)
    ann = buyer(shop)
    answers = await asyncio.gather(*(tick(ann, product_id) for product_id in ids))
    assert sorted(answer.json()["selected"]["count"] for answer in answers) == list(range(1, 41))
    assert all(a.json()["selected"]["total"] == a.json()["selected"]["count"] * 100 for a in answers)


async def test_two_workers_keep_the_limit_and_the_order(shop: Shop, database_url: str, keyring: Keyring) -> None:
    ids = [f"b-{n}" for n in range(30)]
    stock(shop, *ids)
    async with open_shop(database_url, keyring) as other:
        ann, there = buyer(shop), buyer(other)
        shop.sql(
            "INSERT INTO product (product_id, title, currency, price, list_price, created_at, updated_at)"
            " SELECT 'old-' || n, 'Old', 'BELL', 1, 1, now(), now() FROM generate_series(1, %s) n",
            (MAX_ITEMS - 20,),
        )
        shop.sql(
            "INSERT INTO cart_item SELECT 0, %s, product_id, false, now() FROM product WHERE title = 'Old'",
            (key_of("ann"),),
        )
        answers = await asyncio.gather(*(tick((ann, there)[n % 2], product_id) for n, product_id in enumerate(ids)))
        taken = [answer for answer in answers if answer.status_code == 200]
        assert sorted(answer.json()["selected"]["count"] for answer in taken) == list(range(1, 21))
        assert {answer.json()["code"] for answer in answers if answer not in taken} == {"cart_full"}
        assert len(rows(shop)) == MAX_ITEMS


async def test_many_customers_through_two_workers(shop: Shop, database_url: str, keyring: Keyring) -> None:
    """Batches of the same customers in different orders, with ticks of whole carts between them, all go through."""
    ids = ["b-1", "b-2", "b-3"]
    stock(shop, *ids)
    names = [f"c-{n}" for n in range(12)]
    async with open_shop(database_url, keyring) as other:
        calls = []
        for turn in range(4):
            for n, name in enumerate(names if turn % 2 else reversed(names)):
                who = buyer((shop, other)[(turn + n) % 2], name)
                calls += [tick(who, product_id, turn % 2 == 0) for product_id in ids]
                calls.append(who.shop.http.patch("/v1/cart", json={"ticked": True}, headers=who.headers))
        answers = await asyncio.gather(*calls)
    assert {answer.status_code for answer in answers} == {200}
    assert len(rows(shop)) == len(names) * len(ids)
