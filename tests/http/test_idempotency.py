"""Idempotency-Key: the first answer again, to whoever was given it, and to nobody else."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from lingdang.clock import system_clock
from lingdang.keys import Keyring, retire, rotate
from support.buyer import Buyer, buyer, give, stock
from support.people import PASSWORD, login, open_session, register
from support.shop import Shop, open_shop


async def check_out(who: Buyer, key: str, *product_ids: str, shop: Shop | None = None) -> httpx.Response:
    headers = who.headers | {"Idempotency-Key": key}
    body = {"productIds": list(product_ids)}
    return await (shop or who.shop).http.post("/v1/checkout", json=body, headers=headers)


def kept(shop: Shop) -> int:
    return int(shop.sql("SELECT count(*) FROM idempotency")[0][0])


async def test_the_same_sign_in_is_answered_with_the_same_session(shop: Shop) -> None:
    await register(shop, "ann")
    first = await open_session(shop, "key-1")
    again = await open_session(shop, "key-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["content-type"] == first.headers["content-type"]
    assert len({(await open_session(shop, key)).json()["sessionId"] for key in ("key-1", "key-2", None)}) == 3


async def test_another_body_is_refused(shop: Shop) -> None:
    await register(shop, "ann")
    first = await open_session(shop, "key-1")
    answer = await open_session(shop, "key-1", signType="MD5")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")
    assert (await open_session(shop, "key-1")).content == first.content


async def test_nothing_is_replayed_before_the_password_is_right(shop: Shop) -> None:
    await register(shop, "ann")
    first = await open_session(shop, "key-1")
    wrong = await open_session(shop, "key-1", password="wrong horse")
    assert (wrong.status_code, wrong.json()["code"]) == (401, "unauthenticated")
    assert first.json()["sessionToken"] not in wrong.text
    assert kept(shop) == 1


async def test_a_refusal_leaves_the_key_free(shop: Shop) -> None:
    await register(shop, "ann")
    assert (await open_session(shop, "key-1", password="wrong horse")).status_code == 401
    assert kept(shop) == 0
    answer = await open_session(shop, "key-1")
    assert answer.status_code == 201
    assert "idempotent-replayed" not in answer.headers


async def test_a_key_is_its_customers_own(shop: Shop) -> None:
    await register(shop, "ann")
    await register(shop, "bob")
    sessions = [(await open_session(shop, "key-1", custId=who)).json() for who in ("ann", "bob")]
    assert [s["custId"] for s in sessions] == ["ann", "bob"]
    assert sessions[0]["sessionId"] != sessions[1]["sessionId"]


@pytest.mark.parametrize("key", ["", "k" * 65, "schlüssel"])
async def test_a_key_of_another_shape_is_refused(shop: Shop, key: str) -> None:
    await register(shop, "ann")
    headers = [(b"Idempotency-Key", key.encode("latin-1"))]
    body = {"custId": "ann", "password": PASSWORD, "signType": "MD5"}
    answer = await shop.http.post("/v1/sessions", json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert (kept(shop), shop.sql("SELECT 1 FROM password_session")) == (0, [])


async def test_every_printable_key_is_taken(shop: Shop) -> None:
    ann = buyer(shop)
    stock(shop, "book-1")
    for key in ("!", "~" * 64, "'; DROP TABLE idempotency; --", "a b%s"):
        first, again = await check_out(ann, key, "book-1"), await check_out(ann, key, "book-1")
        assert first.status_code == 200, first.text
        assert again.content == first.content


async def test_of_many_at_once_one_is_kept_and_given_to_all(database_url: str, keyring: Keyring) -> None:
    async with open_shop(database_url, keyring) as one, open_shop(database_url, keyring) as two:
        await register(one, "ann")
        answers = await asyncio.gather(*(open_session((one, two)[n % 2], "key-1") for n in range(8)))
        assert {a.status_code for a in answers} == {201}
        assert len({a.content for a in answers}) == 1
        assert kept(one) == 1


async def test_what_is_kept_shows_nothing_to_who_reads_the_database(shop: Shop) -> None:
    await register(shop, "ann")
    session = (await open_session(shop, "key-1")).json()
    row = b"".join(shop.sql("SELECT sealed, fingerprint FROM idempotency")[0])
    for secret in (PASSWORD, session["signKey"], session["sessionToken"], "sessionToken"):
        assert secret.encode() not in row


async def test_an_answer_moved_to_another_key_is_not_given(shop: Shop) -> None:
    """Whoever can write to the table cannot have ann's answer given to bob."""
    for cust_id in ("ann", "bob"):
        await register(shop, cust_id)
    anns = (await open_session(shop, "key-1", custId="ann")).json()
    shop.sql("UPDATE idempotency SET owner = 'POST /v1/sessions bob'")
    answer = await open_session(shop, "key-1", custId="bob")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")
    assert anns["sessionToken"] not in answer.text


async def test_a_key_is_free_again_when_its_time_is_over(shop: Shop) -> None:
    await register(shop, "ann")
    first = await open_session(shop, "key-1")
    assert (shop.sql("SELECT expires_at - created_at FROM idempotency")) == [(timedelta(hours=24),)]
    shop.sql("UPDATE idempotency SET created_at = now() - interval '25 h', expires_at = now() - interval '1 h'")
    second = await open_session(shop, "key-1", signType="MD5")
    assert second.status_code == 201
    assert second.json()["sessionId"] != first.json()["sessionId"]
    assert (await open_session(shop, "key-1", signType="MD5")).content == second.content


async def test_rotation_keeps_answers_and_retirement_frees_their_keys(database_url: str, keyring: Keyring) -> None:
    async with open_shop(database_url, keyring) as before:
        await register(before, "ann")
        first = await open_session(before, "key-1")
    now = system_clock()
    rotate(keyring.path, now, now)
    async with open_shop(database_url, Keyring(keyring.path)) as rotated:
        assert (await open_session(rotated, "key-1")).content == first.content
    retire(keyring.path, 1, now)
    async with open_shop(database_url, Keyring(keyring.path)) as retired:
        second = await open_session(retired, "key-1", signType="MD5")
        assert second.status_code == 201
        assert (await open_session(retired, "key-1", signType="MD5")).content == second.content


async def test_a_checkout_with_a_key_is_one_order(shop: Shop) -> None:
    ann = buyer(shop)
    stock(shop, "book-1", "book-2")
    first, again = await check_out(ann, "key-1", "book-1"), await check_out(ann, "key-1", "book-1")
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    other = await check_out(ann, "key-1", "book-2")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    await give(shop, "ann", 100)
    paid = await ann.send(ann.payment(again.json()["orderToken"], ["book-1"]))
    assert paid.status_code == 200, paid.text


async def test_a_checkout_is_replayed_in_its_own_session_only(shop: Shop) -> None:
    stock(shop, "book-1")
    one, two, bob = buyer(shop), buyer(shop), buyer(shop, "bob")
    orders = [(await check_out(who, "key-1", "book-1")).json()["orderId"] for who in (one, two, bob)]
    assert len(set(orders)) == 3


async def test_an_ended_session_is_given_nothing_again(database_url: str, keyring: Keyring) -> None:
    async with open_shop(database_url, keyring) as here, open_shop(database_url, keyring) as there:
        stock(here, "book-1")
        ann = await login(here)
        assert (await check_out(ann, "key-1", "book-1", shop=there)).status_code == 200
        assert (await here.http.delete("/v1/sessions/current", headers=ann.headers)).status_code == 204
        answer = await check_out(ann, "key-1", "book-1", shop=there)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert "orderToken" not in answer.text
