"""Claiming over HTTP: limits are exact, every refusal has its reason and changes nothing."""

import asyncio
from pathlib import Path

import httpx
import psycopg
import pytest

from lingdang.coupons.codes import make_codes
from lingdang.keys import Keyring
from support.buyer import Buyer, buyer, buyers
from support.customers import key_of
from support.shop import PATIENCE, Shop, open_shop
from support.tabs import until, waiting
from support.vouchers import all_books, claim, codes_of, differences, put_coupon


async def insist(one: Buyer, code: str) -> httpx.Response:
    """Claim, and again while the server asks for patience."""
    for _ in range(int(PATIENCE / 0.2)):
        answer = await claim(one, code)
        if answer.status_code != 503:
            return answer
        await asyncio.sleep(0.2)
    raise AssertionError("never answered")


async def test_400_parallel_claims_of_100_through_two_workers(database_url: str, keyring: Keyring) -> None:
    async with open_shop(database_url, keyring) as one, open_shop(database_url, keyring) as two:
        put_coupon(one, "hundred", code="HUNDRED", limit=100)
        names = [f"cust-{n}" for n in range(400)]
        asking = [*buyers(one, *names[::2]), *buyers(two, *names[1::2])]
        answers = await asyncio.gather(*(insist(each, "hundred") for each in asking))
        codes = [answer.status_code for answer in answers]
        assert (codes.count(201), codes.count(409)) == (100, 300)
        refused = [answer.json()["reasons"] for answer in answers if answer.status_code == 409]
        assert all(codes_of(reasons) == {"hundred": "sold_out"} for reasons in refused)
        assert one.sql("SELECT claimed FROM coupon") == one.sql("SELECT count(*) FROM voucher") == [(100,)]
        assert differences(one) == []


async def test_parallel_claims_of_one_customer_stop_at_their_limit(database_url: str, keyring: Keyring) -> None:
    async with open_shop(database_url, keyring) as one, open_shop(database_url, keyring) as two:
        put_coupon(one, "three", code="THREE", each=3)
        asking = [buyer((one, two)[n % 2]) for n in range(40)]
        answers = await asyncio.gather(*(insist(each, "THREE") for each in asking))
        assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 37
        assert one.sql("SELECT claimed FROM coupon") == one.sql("SELECT count(*) FROM voucher") == [(3,)]


async def test_a_claim_counts_what_the_same_customer_claims_at_the_moment(shop: Shop) -> None:
    """Of one customer's claims the second waits for the first, and not only for its turn at the coupon."""
    put_coupon(shop, "one", code="ONE", limit=9, each=1)
    with psycopg.connect(shop.database_url) as first:
        first.execute(
            "SELECT * FROM voucher_claim(0::smallint, %s, now(), gen_random_uuid(), 'ONE', NULL, NULL, false)",
            (key_of("ann"),),
        )
        second = asyncio.create_task(claim(buyer(shop, "ann"), "ONE"))
        await until(lambda: waiting(shop) == 1)
        first.commit()
    assert (await second).status_code == 409
    assert shop.sql("SELECT claimed FROM coupon") == shop.sql("SELECT count(*) FROM voucher") == [(1,)]


REFUSED = {
    "unknown_code": "DELETE FROM coupon",
    "sold_out": "UPDATE coupon SET total_limit = 0",
    "not_started": "UPDATE coupon SET valid_from = now() + interval '1 hour'",
    "expired": "UPDATE coupon SET valid_until = now() - interval '1 hour'",
    "paused": "UPDATE coupon SET status = 'paused'",
    "withdrawn": "UPDATE coupon SET status = 'withdrawn'",
}


@pytest.mark.parametrize("reason", REFUSED)
async def test_refusals_change_nothing(shop: Shop, reason: str) -> None:
    put_coupon(shop, "ten", code="TEN")
    shop.sql(REFUSED[reason])
    before = all_books(shop)
    answer = await claim(buyer(shop), "ten")
    assert (answer.status_code, answer.json()["code"]) == (409, "voucher_unusable")
    assert codes_of(answer.json()["reasons"]) == {"ten": reason}
    assert all_books(shop) == before


async def test_the_customers_limit(shop: Shop) -> None:
    put_coupon(shop, "ten", code="TEN")
    ann = buyer(shop)
    first = await claim(ann, " ten ".strip())
    assert first.status_code == 201
    assert (first.json()["state"], first.json()["name"]) == ("unused", "Ten off")
    before = all_books(shop)
    again = await claim(ann, "TEN")
    assert (again.status_code, codes_of(again.json()["reasons"])) == (409, {"TEN": "limit_reached"})
    assert all_books(shop) == before
    listed = (await ann.get("/v1/vouchers")).json()
    assert listed == {"items": [first.json()], "nextCursor": None}


async def test_a_repeat_with_its_key_is_the_same_voucher(shop: Shop) -> None:
    put_coupon(shop, "ten", code="TEN", each=5)
    ann = buyer(shop)
    first = await claim(ann, "TEN", **{"Idempotency-Key": "k1"})
    again = await claim(ann, "TEN", **{"Idempotency-Key": "k1"})
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    other = await claim(ann, "OTHER", **{"Idempotency-Key": "k1"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert shop.sql("SELECT claimed FROM coupon") == [(1,)]


async def test_one_time_codes_are_good_once(shop: Shop, tmp_path: Path) -> None:
    put_coupon(shop, "ten", each=5)
    with psycopg.connect(shop.database_url, autocommit=True) as connection:
        make_codes(connection, "ten", 50, tmp_path / "codes.csv")
    header, *lines = (tmp_path / "codes.csv").read_text().splitlines()
    codes = [line.partition(",")[0] for line in lines]
    assert (header, len(set(codes))) == ("code,couponId", 50)
    assert not any(code.encode() in row[0] for row in shop.sql("SELECT code_hash FROM coupon_code") for code in codes)

    answers = await asyncio.gather(*(insist(buyer(shop, f"cust-{n}"), codes[0]) for n in range(20)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
    assert {a.json()["reasons"][codes[0]]["code"] for a in answers if a.status_code == 409} == {"code_used"}
    ann = buyer(shop)
    first = await claim(ann, codes[1].lower())
    again = await claim(ann, codes[1])
    assert (first.status_code, again.status_code, again.json()) == (201, 200, first.json())
    assert differences(shop) == []
