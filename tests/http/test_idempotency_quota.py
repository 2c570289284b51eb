"""What is kept for one customer's keys has a quota; within their time no answer is forgotten."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import httpx
import psycopg
import pytest

from lingdang.clock import system_clock
from lingdang.db.pool import Pool
from lingdang.errors import Problem
from lingdang.http.idempotency import Idempotency, Quota
from lingdang.http.reply import Reply
from lingdang.identity.sessions import MOST_SESSIONS
from lingdang.identity.sweep import sweep_identity
from lingdang.keys import Keyring
from support.buyer import Buyer, buyer
from support.hands import Hands
from support.people import login, open_session, register
from support.shop import Shop, open_shop
from support.vouchers import VOUCHER_TABLES, put_coupon

LONG = "An introduction of many words. " * 150


def stock_long(shop: Shop, count: int) -> list[str]:
    """Books whose checkout has an answer of half a megabyte, for a hundred of them."""
    names = [f"long-{n}" for n in range(count)]
    with psycopg.connect(shop.database_url, autocommit=True) as connection:
        connection.cursor().executemany(
            "INSERT INTO product (product_id, title, intro, currency, price, list_price, created_at, updated_at)"
            " VALUES (%s, 'Long', %s, 'BELL', 10, 10, now(), now())",
            [(name, LONG) for name in names],
        )
    return names


async def check_out(who: Buyer, key: str, names: list[str]) -> httpx.Response:
    headers = who.headers | {"Idempotency-Key": key}
    return await who.shop.http.post("/v1/checkout", json={"productIds": names}, headers=headers)


def kept(shop: Shop) -> tuple[int, int]:
    [(answers, octets)] = shop.sql("SELECT count(*), coalesce(sum(octet_length(sealed)), 0) FROM idempotency")
    return int(answers), int(octets)


async def test_large_checkouts_of_one_customer_fill_a_quota_and_no_more(database_url: str, keyring: Keyring) -> None:
    hands = Hands()
    async with open_shop(database_url, keyring, clock=hands) as shop:
        names, ann, bob = stock_long(shop, 100), buyer(shop), buyer(shop, "bob")
        answers = [await check_out(ann, f"key-{n}", names) for n in range(40)]
        taken = [n for n, answer in enumerate(answers) if answer.status_code == 200]
        assert taken == list(range(len(taken)))
        refused = answers[len(taken)]
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
        assert [place["path"] for place in refused.json()["errors"]] == ["Idempotency-Key"]
        size = len(answers[0].content)
        assert kept(shop)[0] == len(taken)
        assert Quota().octets <= kept(shop)[1] < Quota().octets + 2 * size
        # In whichever session.
        assert (await check_out(buyer(shop), "key-other", names)).status_code == 429
        # Nobody else is concerned, and neither is who sends no key.
        assert (await check_out(bob, "key-0", names)).status_code == 200
        await ann.checkout(*names)
        # What was answered is answered again, to its last byte.
        for n in (0, taken[-1]):
            again = await check_out(ann, f"key-{n}", names)
            assert (again.content, again.headers["idempotent-replayed"]) == (answers[n].content, "true")
        hands.forward(int(refused.headers["Retry-After"]))
        assert (await check_out(ann, "key-40", names)).status_code == 200


async def test_a_checkout_is_kept_as_long_as_its_offer_holds(database_url: str, keyring: Keyring) -> None:
    hands = Hands()
    async with open_shop(database_url, keyring, clock=hands) as shop:
        names, ann = stock_long(shop, 1), buyer(shop)
        first = await check_out(ann, "key-1", names)
        hands.forward(890)
        assert (await check_out(ann, "key-1", names)).content == first.content
        hands.forward(20)
        second = await check_out(ann, "key-1", names)
        assert second.json()["orderId"] != first.json()["orderId"]
        hands.forward(900 + 301)
        async with Pool(database_url, 2, False) as pool:
            await sweep_identity(pool, hands())
        assert kept(shop) == (0, 0)


async def test_at_the_same_moment_hardly_more_are_kept(database_url: str, keyring: Keyring) -> None:
    """As many as there are connections look at once; each of the others sees what those have kept."""
    async with Pool(database_url, 4, False) as pool:
        idempotency = Idempotency(pool, keyring, Quota(answers=10))
        now = system_clock()

        async def produce() -> Reply:
            return Reply(uuid4().bytes)

        calls = [idempotency.once("POST /v1/checkout ann x", uuid4().hex, b"", now, produce) for _ in range(200)]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        size = sum(isinstance(answer, Reply) for answer in answers)
        refused = [answer for answer in answers if isinstance(answer, Problem)]
        assert 10 <= size < 10 + 4
        assert len(refused) == 200 - size
        assert {(p.code, p.headers["Retry-After"]) for p in refused} == {("rate_limited", "86400")}
        with psycopg.connect(database_url) as connection:
            assert connection.execute("SELECT count(*) FROM idempotency").fetchone() == (size,)


@pytest.mark.parametrize("quota", [Quota(answers=2), Quota(octets=150)])
async def test_there_is_room_when_retry_after_says_so(database_url: str, keyring: Keyring, quota: Quota) -> None:
    async with Pool(database_url, 1, False) as pool:
        idempotency = Idempotency(pool, keyring, quota)
        now = system_clock()

        async def produce() -> Reply:
            return Reply(b"x" * 80)

        async def ask(key: str, seconds: int, kept: int) -> Reply:
            at = now + timedelta(seconds=seconds)
            return await idempotency.once(
                "POST /v1/vouchers/claim ann x", key, b"", at, produce, timedelta(seconds=kept)
            )

        await ask("first", 0, 100)
        await ask("second", 0, 50)
        with pytest.raises(Problem) as refused:
            await ask("third", 10, 100)
        assert (refused.value.code, refused.value.headers["Retry-After"]) == ("rate_limited", "40")
        with pytest.raises(Problem, match="rate_limited"):
            await ask("third", 49, 100)
        await ask("third", 50, 100)


async def test_a_full_quota_refuses_a_claim_and_a_sign_in_before_they_are_done(shop: Shop) -> None:
    await register(shop, "ann")
    ann = await login(shop)
    put_coupon(shop, "ten", code="TEN")
    shop.sql(
        "INSERT INTO idempotency (owner, key, kid, fingerprint, sealed, created_at, expires_at)"
        " SELECT 'POST /v1/sessions ann', n::text, '1', '', '', now(), now() + interval '1 h'"
        "  FROM generate_series(1, 500) n"
    )
    before = [
        shop.sql(f"SELECT count(*) FROM {table}") for table in (*VOUCHER_TABLES, "password_session", "idempotency")
    ]
    headers = ann.headers | {"Idempotency-Key": "key-1"}
    claimed = await shop.http.post("/v1/vouchers/claim", json={"code": "TEN"}, headers=headers)
    signed_in = await open_session(shop, "key-1")
    for answer in (claimed, signed_in):
        assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
        assert 3000 < int(answer.headers["Retry-After"]) <= 3601
    tables = (*VOUCHER_TABLES, "password_session", "idempotency")
    assert [shop.sql(f"SELECT count(*) FROM {table}") for table in tables] == before
    assert (await open_session(shop)).status_code == 201


async def test_sessions_of_a_customer_are_bounded_and_none_is_ended_for_another(shop: Shop) -> None:
    ann = await login(shop)
    [(key,)] = shop.sql("SELECT customer FROM customer")
    fill = "INSERT INTO {} SELECT 0, {}, gen_random_uuid(), now() + interval '1 h' FROM generate_series(1, {})"
    shop.sql(fill.format("password_session", key, MOST_SESSIONS - 2))
    assert (await open_session(shop)).status_code == 201
    refused = await open_session(shop)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert 3000 < int(refused.headers["Retry-After"]) <= 3601
    assert shop.sql("SELECT count(*) FROM password_session") == [(MOST_SESSIONS,)]
    # By token any number is opened; as many can be ended. Whoever signed in with a password can always sign out.
    shop.sql(fill.format("session_end", key, MOST_SESSIONS - 1))
    one, two = buyer(shop), buyer(shop)
    assert (await shop.http.delete("/v1/sessions/current", headers=one.headers)).status_code == 204
    refused = await shop.http.delete("/v1/sessions/current", headers=two.headers)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert (await two.get("/v1/sessions/current")).status_code == 200
    assert (await shop.http.delete("/v1/sessions/current", headers=ann.headers)).status_code == 204
    assert shop.sql("SELECT count(*) FROM session_end") == [(MOST_SESSIONS + 1,)]
