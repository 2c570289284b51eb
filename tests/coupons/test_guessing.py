"""Wrong codes are limited like wrong passwords, over all routes and workers, and logged; right ones never count."""

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from lingdang.keys import Keyring
from support.buyer import Buyer, buyer, stock
from support.shop import Shop, open_shop
from support.vouchers import all_books, claim, put_coupon

LIMIT = {"login_limit_customer": 3}


async def at_checkout(one: Buyer, code: str, **headers: str) -> httpx.Response:
    body = {"productIds": ["book-1"], "voucherCode": code}
    return await one.shop.http.post("/v1/checkout", json=body, headers=one.headers | headers)


def wrong_codes(shop: Shop) -> dict[str, int]:
    return dict(shop.sql("SELECT subject, cardinality(attempts) FROM login_attempt"))  # type: ignore[arg-type]


async def test_wrong_codes_are_limited_over_both_routes(database_url: str, keyring: Keyring) -> None:
    async with (
        open_shop(database_url, keyring, **LIMIT) as one,
        open_shop(database_url, keyring, short_way=True, **LIMIT) as two,
    ):
        stock(one, "book-1")
        put_coupon(one, "ten", code="TEN", each=5)
        ann, beside = buyer(one), buyer(two)
        assert (await claim(ann, "wrong-1")).status_code == 409
        assert (await at_checkout(beside, "wrong-2")).status_code == 409
        assert (await at_checkout(ann, "wrong-3")).status_code == 409
        before = all_books(one)
        for send in (claim, at_checkout):
            for who in (ann, beside):
                for code in ("wrong-4", "TEN"):
                    answer = await send(who, code)
                    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
                    assert 890 <= int(answer.headers["Retry-After"]) == answer.json()["retryAfter"] <= 900
        assert all_books(one) == before
        assert wrong_codes(one) == {"code ann": 3}
        assert (await claim(buyer(one, "bob"), "TEN")).status_code == 201
        one.sql("UPDATE login_attempt SET attempts = ARRAY(SELECT a - interval '901 s' FROM unnest(attempts) a)")
        assert (await claim(ann, "TEN")).status_code == 201


async def test_right_codes_never_count(database_url: str, keyring: Keyring) -> None:
    async with open_shop(database_url, keyring, **LIMIT) as shop:
        stock(shop, "book-1")
        put_coupon(shop, "ten", code="TEN")
        put_coupon(shop, "none", code="NONE", limit=1)
        shop.sql("UPDATE coupon SET claimed = 1 WHERE coupon_id = 'none'")
        ann = buyer(shop)
        for _ in range(5):
            assert (await at_checkout(ann, "TEN")).status_code == 200
            assert (await claim(ann, "TEN")).json()["reasons"]["TEN"]["code"] == "limit_reached"
            assert (await claim(ann, "NONE")).json()["reasons"]["NONE"]["code"] == "sold_out"
        assert wrong_codes(shop) == {}


async def test_a_right_code_between_forgets_nothing(database_url: str, keyring: Keyring) -> None:
    """Else whoever has one right code could guess for ever."""
    async with open_shop(database_url, keyring, **LIMIT) as shop:
        put_coupon(shop, "ten", code="TEN", each=9)
        ann = buyer(shop)
        for n in range(3):
            assert (await claim(ann, f"wrong-{n}")).status_code == 409
            assert (await claim(ann, "TEN")).status_code == (201 if n < 2 else 429)


async def test_what_is_in_hand_or_was_answered_is_no_guess(database_url: str, keyring: Keyring) -> None:
    async with open_shop(database_url, keyring, **LIMIT) as shop:
        stock(shop, "book-1")
        put_coupon(shop, "ten", code="TEN")
        ann = buyer(shop)
        first = await claim(ann, "TEN", **{"Idempotency-Key": "k"})
        for n in range(3):
            await claim(ann, f"wrong-{n}")
        assert (await at_checkout(ann, "TEN")).status_code == 200
        again = await claim(ann, "TEN", **{"Idempotency-Key": "k"})
        assert (again.status_code, again.json()) == (201, first.json())
        assert (await claim(ann, "TEN")).status_code == 429


async def test_guesses_at_once_do_not_overrun_the_limit(database_url: str, keyring: Keyring) -> None:
    async with open_shop(database_url, keyring, **LIMIT) as shop:
        stock(shop, "book-1")
        ann = buyer(shop)
        answers = await asyncio.gather(*((claim, at_checkout)[n % 2](ann, f"wrong-{n}") for n in range(30)))
        assert Counter(answer.status_code for answer in answers) == {409: 3, 429: 27}
        assert wrong_codes(shop) == {"code ann": 3}


@pytest.mark.parametrize("send", [claim, at_checkout])
async def test_wrong_codes_are_in_the_log(database_url: str, keyring: Keyring, send: Any) -> None:
    async with open_shop(database_url, keyring, **LIMIT) as shop:
        stock(shop, "book-1")
        with capture_logs() as events:
            for code in ("guess-1", "GUESS-1", "guess-2", "guess-3"):
                await send(buyer(shop), code)
    told = [event for event in events if event["event"] == "code_refused"]
    assert {(event["customer"], event["reason"]) for event in told} == {("ann", "unknown_code")}
    hashes = [event["code_hash"] for event in told]
    assert (len(hashes), hashes[0] == hashes[1], hashes[0] == hashes[2]) == (3, True, False)
    [refused] = [event for event in events if event["event"] == "access_refused"]
    assert (refused["code"], refused["reason"]) == ("rate_limited", "3 wrong codes of the customer")
    assert "guess" not in str(events).lower()
