"""Codes as people type them: put right before they are looked at, for claims, checkouts and operators alike."""

import re
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingdang.coupons.claiming import code_hash
from lingdang.coupons.codes import make_codes
from lingdang.coupons.spelling import ALPHABET, is_possible, normal_code, one_time, written
from support.buyer import Buyer, buyer, stock
from support.people import api_key
from support.shop import Shop
from support.vouchers import all_books, claim, codes_of, put_coupon

TYPED = [
    " SPRING26",
    "spring26\n",
    "\tSpring26\r\n",
    "ＳＰＲＩＮＧ２６",
    "\u3000ｓｐｒｉｎｇ２６\u3000",
    "SPRING\u200b26",
    "\ufeffSPRING26\u00a0",
    "SPRING 26",
    "SPR\u00adING26",
]
IMPOSSIBLE = ["", " ", "\u3000\u200b", "SPRING26!\x00", "礼券", "S" * 65, "\x00", "SPRING\U0001f381"]


@pytest.mark.parametrize("typed", TYPED)
async def test_a_public_code_is_claimed_however_it_is_typed(shop: Shop, typed: str) -> None:
    put_coupon(shop, "spring", code="SPRING26")
    answer = await claim(buyer(shop), typed)
    assert (answer.status_code, answer.json()["couponId"]) == (201, "spring")


@pytest.mark.parametrize("typed", TYPED)
async def test_a_checkout_reads_a_code_as_a_claim_does(shop: Shop, typed: str) -> None:
    stock(shop, "book-1", price=100)
    put_coupon(shop, "spring", code="SPRING26")
    ann = buyer(shop)
    discounts = [(await ann.checkout("book-1", voucherCode=code))["discount"] for code in (typed, "SPRING26")]
    assert discounts == [10, 10]
    assert shop.sql("SELECT claimed FROM coupon") == [(1,)]


@pytest.mark.parametrize("typed", IMPOSSIBLE)
async def test_what_can_be_no_code_is_an_unknown_one(shop: Shop, typed: str) -> None:
    stock(shop, "book-1", price=100)
    put_coupon(shop, "spring", code="SPRING26")
    ann = buyer(shop)
    before = all_books(shop)
    body = {"productIds": ["book-1"], "voucherCode": typed}
    for answer in (await claim(ann, typed), await shop.http.post("/v1/checkout", json=body, headers=ann.headers)):
        assert (answer.status_code, answer.json()["code"]) == (409, "voucher_unusable")
        assert codes_of(answer.json()["reasons"]) == {typed: "unknown_code"}
    assert all_books(shop) == before


@pytest.mark.parametrize("wrong", [7, None, ["SPRING26"], "S" * 257])
async def test_another_type_or_a_whole_page_is_no_request(shop: Shop, wrong: Any) -> None:
    put_coupon(shop, "spring", code="SPRING26")
    before = all_books(shop)
    answer = await claim(buyer(shop), wrong)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert all_books(shop) == before


@pytest.mark.parametrize("typed", TYPED)
async def test_operators_codes_are_stored_as_they_are_compared(shop: Shop, typed: str) -> None:
    operator = await api_key(shop, "coupons:write")
    body = {"definition": {"name": "Ten", "effect": {"kind": "fixed", "amount": 10}}, "code": typed}
    answer = await shop.http.put("/v1/admin/coupons/spring", json=body, headers=operator)
    assert (answer.status_code, answer.json()["code"]) == (201, "SPRING26")
    assert (await claim(buyer(shop), "spring26")).status_code == 201


def made(shop: Shop, folder: Path, count: int = 200) -> list[str]:
    """One-time codes of the coupon `ten`, as the file has them."""
    put_coupon(shop, "ten", each=100)
    with psycopg.connect(shop.database_url, autocommit=True) as connection:
        make_codes(connection, "ten", count, folder / "codes.csv")
    return [line.partition(",")[0] for line in (folder / "codes.csv").read_text().splitlines()[1:]]


async def test_one_time_codes_hold_one_of_each_pair_that_looks_alike(shop: Shop, tmp_path: Path) -> None:
    codes = made(shop, tmp_path, 2000)
    assert all(re.fullmatch(r"[0-9A-Z]{6}-[0-9A-Z]{6}-[0-9A-Z]{6}", code) for code in codes)
    used = set("".join(codes)) - {"-"}
    assert used == set(ALPHABET)
    for alike in ("0O", "1IL", "2Z", "5S", "8B", "UV"):
        assert len(used.intersection(alike)) == 1


def mistaken(code: str) -> str:
    """As somebody types it who takes digits for letters, and leaves the dashes out."""
    return code.translate(str.maketrans("01258V-", "OlzsBu ")).lower()


async def test_one_time_codes_are_read_whatever_was_taken_for_what(shop: Shop, tmp_path: Path) -> None:
    ann: Buyer = buyer(shop)
    for code in made(shop, tmp_path, 20):
        first = await claim(ann, mistaken(code))
        again = await claim(ann, code)
        assert (first.status_code, again.status_code, again.json()) == (201, 200, first.json())


async def test_codes_of_before_still_work(shop: Shop) -> None:
    """16 of A-Z and 2-7, of which only 0, 1 and 8 can have been meant for something else."""
    put_coupon(shop, "ten", each=100)
    old = ["ABCDEFGHIJKLMNOP", "OOIIBBZZ22SS55LL"]
    for code in old:
        shop.sql("INSERT INTO coupon_code (code_hash, coupon_id) VALUES (%s, 'ten')", (code_hash(code),))
    ann = buyer(shop)
    answers = [await claim(ann, typed) for typed in ("abcd-efgh-ijkl-mnop", "0011 88zz 22ss 55ll", old[1])]
    assert [answer.status_code for answer in answers] == [201, 201, 200]


@given(st.text(st.sampled_from(ALPHABET), min_size=18, max_size=18))
def test_a_code_survives_its_written_form(code: str) -> None:
    assert one_time(normal_code(written(code))) == one_time(normal_code(mistaken(written(code)))) == code


@given(st.text(max_size=80))
def test_normal_codes_are_fixed_points(text: str) -> None:
    normal = normal_code(text)
    assert not is_possible(normal) or normal_code(normal) == normal
