"""Whatever an identity provider calls its users is a custId, in every place that takes one."""

from pathlib import Path
from urllib.parse import quote

import pytest

from lingdang.ids import CUST_ID_RULE
from lingdang.keys import Keyring
from support.buyer import Buyer, books, buyer, stock
from support.people import PASSWORD, api_key, open_session
from support.served import run, serving
from support.shop import Shop, open_shop

CUST_IDS = [
    "auth0|5f7c8ec7c33c6c004bbafe82",
    "google-oauth2|107691426346826513447",
    "reader+books@example.org",
    "-_~.:@|+",
    "...",
    "Z" * 128,
]
NO_CUST_IDS = [".", "..", "", "a b", "a/b", "a%7Cb", "a,b", "a&b=c", 'a"b', "é", "a" * 129, "a\n"]


async def _credit(shop: Shop, key: dict[str, str], cust_id: str) -> int:
    body = {"creditId": "c", "amount": 1000, "kind": "paid", "reason": "R", "createCustomer": True}
    path = f"/v1/admin/wallets/{quote(cust_id, safe='')}/credits"
    answer = await shop.http.post(path, json=body, headers=key)
    assert answer.status_code != 200 or answer.json()["custId"] == cust_id
    return answer.status_code


@pytest.mark.parametrize("cust_id", CUST_IDS, ids=[each[:12] for each in CUST_IDS])
async def test_a_customer_by_any_id_buys(database_url: str, keyring: Keyring, cust_id: str) -> None:
    async with open_shop(database_url, keyring, short_way=True) as shop:
        await _buy(shop, cust_id)


async def _buy(shop: Shop, cust_id: str) -> None:
    stock(shop, "book-1", "book-2", "book-3")
    key = await api_key(shop)
    assert await _credit(shop, key, cust_id) == 200
    body = {"custId": cust_id, "password": PASSWORD}
    assert (await shop.http.post("/v1/admin/customers", json=body, headers=key)).status_code == 200, "they are there"
    for number, sign_type in enumerate(("MD5", "HMAC-SHA256", "ES256"), 1):
        who = buyer(shop, cust_id, sign_type)
        assert (await who.buy(f"book-{number}")).status_code == 200
    opened = (await open_session(shop, custId=cust_id, signType="MD5")).json()
    who = Buyer(shop, cust_id, opened["sessionToken"], "MD5", opened["signKey"])
    assert (await who.get("/v1/wallet")).json()["balances"][0]["balance"] == 700
    assert len((await who.get("/v1/entitlements")).json()["items"]) == 3
    orders = await shop.http.get("/v1/admin/orders", params={"custId": cust_id}, headers=key)
    assert len(orders.json()["items"]) == 3
    assert (await who.get("/v1/wallet/statement")).status_code == 200
    assert (await who.get("/v1/orders/..")).status_code == 404


@pytest.mark.parametrize("cust_id", NO_CUST_IDS, ids=[each[:12] for each in NO_CUST_IDS])
async def test_what_is_no_cust_id(shop: Shop, cust_id: str) -> None:
    key = await api_key(shop)
    before = books(shop)
    answer = await shop.http.post("/v1/admin/customers", json={"custId": cust_id}, headers=key)
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (400, "$.custId")
    orders = await shop.http.get("/v1/admin/orders", params={"custId": cust_id}, headers=key)
    [error] = orders.json()["errors"]
    assert (orders.status_code, error["path"]) == (400, "$.custId")
    assert error["message"].startswith(f"Expected {CUST_ID_RULE}, got ")
    assert (await open_session(shop, custId=cust_id)).status_code == 400
    if "/" not in cust_id and cust_id not in ("", ".", ".."):
        assert await _credit(shop, key, cust_id) == 400
    assert books(shop) == before
    assert shop.sql("SELECT * FROM customer") == []


@pytest.mark.parametrize("step", ["%2E", "%2E%2E"])
async def test_a_step_of_a_path_is_no_id(shop: Shop, step: str) -> None:
    """Sent as it stands: most clients would have followed it."""
    key = await api_key(shop)
    before = books(shop)
    body = {"creditId": "c", "amount": 1, "kind": "paid", "reason": "R", "createCustomer": True}
    answer = await shop.http.post(f"/v1/admin/wallets/{step}/credits", json=body, headers=key)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    answer = await shop.http.put(f"/v1/admin/products/{step}", json={"title": "T", "price": 1}, headers=key)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert books(shop) == before
    assert shop.sql("SELECT * FROM product") == shop.sql("SELECT * FROM customer") == []


@pytest.mark.slow
def test_the_command_line_takes_any_id(tmp_path: Path) -> None:
    data_dir, out = tmp_path / "shop", str(tmp_path / "statement.jws")
    with serving(data_dir, "--http"):
        for number, cust_id in enumerate(("auth0|5f7c", "reader+books@example.org"), 1):
            assert run(data_dir, "customer", "add", cust_id).returncode == 0
            credit = ("wallet", "credit", cust_id, str(number), "--reason", "R", "--json")
            assert f'"custId":"{cust_id}"' in run(data_dir, *credit).stdout
        assert run(data_dir, "statement", "issue", "auth0|5f7c", "--out", out).returncode == 0
        for wrong in (".", "..", "a b", "a" * 129):
            refused = run(data_dir, "customer", "add", wrong)
            assert (refused.returncode, CUST_ID_RULE[:12] in refused.stderr) == (2, True)
        assert run(data_dir, "reconcile").returncode == 0


@pytest.mark.parametrize("short_way", [True, False])
async def test_an_id_in_a_path_is_decoded_once(database_url: str, keyring: Keyring, short_way: bool) -> None:
    async with open_shop(database_url, keyring, short_way=short_way) as shop:
        stock(shop, "a:b")
        ann = buyer(shop)
        for written in ("a:b", "a%3Ab", "%61%3ab"):
            answer = await ann.get(f"/v1/products/{written}")
            assert (answer.status_code, answer.json()["productId"]) == (200, "a:b")
            ticked = await shop.http.put(f"/v1/cart/items/{written}", json={}, headers=ann.headers)
            assert ticked.json()["item"]["productId"] == "a:b"
        for wrong, status in (("a%253Ab", 400), ("a%2Fb", 404), ("a%00b", 400), ("%2E%2E", 400)):
            assert (await ann.get(f"/v1/products/{wrong}")).status_code == status, wrong
