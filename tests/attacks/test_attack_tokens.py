"""Tokens put together from parts of others, used for another purpose, or made to cost the server something."""

import itertools
import re
import time
import zlib
from typing import Any

import httpx
import msgspec
import pytest

from lingdang.checkout.order_token import MAX_TOKEN_LENGTH
from lingdang.jose import to_base64url
from support.buyer import Buyer, books, buyer, give, stock
from support.shop import Shop


@pytest.fixture
async def ann(shop: Shop) -> Buyer:
    stock(shop, "book-1", "book-2", "book-3")
    await give(shop, "ann", 5000)
    return buyer(shop)


async def token_of(who: Buyer, *product_ids: str) -> str:
    token: str = (await who.checkout(*product_ids))["orderToken"]
    return token


async def assert_refused(ann: Buyer, token: str, *codes: str) -> None:
    before = books(ann.shop)
    answer = await ann.send(ann.payment(token, ["book-1"]))
    assert answer.json()["code"] in codes, (answer.text, token[:80])
    assert books(ann.shop) == before


async def test_parts_of_two_tokens_make_no_third(ann: Buyer) -> None:
    """Every way to put the five parts of a dear and a cheap order of one customer together."""
    ann.shop.sql("UPDATE product SET price = 4000, list_price = 4000 WHERE product_id = 'book-1'")
    dear = (await token_of(ann, "book-1")).split(".")
    ann.shop.sql("UPDATE product SET price = 1 WHERE product_id = 'book-1'")
    cheap = (await token_of(ann, "book-1")).split(".")
    whole = {".".join(dear), ".".join(cheap)}
    spliced = {".".join(parts) for parts in itertools.product(*zip(dear, cheap, strict=True))} - whole
    assert len(spliced) == 6, "header and empty key are alike; IV, ciphertext and tag are not"
    for token in spliced:
        await assert_refused(ann, token, "token_invalid")


async def test_halves_of_a_ciphertext_do_not_move(ann: Buyer) -> None:
    """CBC without authentication would let blocks be exchanged between messages."""
    one, two = [(await token_of(ann, "book-1")).split(".") for _ in range(2)]
    for cut in range(0, len(one[3]), 64):
        mixed = [*one[:3], one[3][:cut] + two[3][cut:], two[4]]
        if ".".join(mixed) != ".".join(two):
            await assert_refused(ann, ".".join(mixed), "token_invalid")


async def test_a_token_for_one_thing_is_not_one_for_another(ann: Buyer) -> None:
    """The keys of session, order, receipt and statement differ, and so do the headers."""
    assert (await ann.buy("book-3")).status_code == 200
    order_token = await token_of(ann, "book-1")
    answers = [(await ann.get(path)).text for path in ("/v1/entitlements/book-3", "/v1/wallet/statement")]
    others = [found for text in answers for found in re.findall(r"[\w-]{20,}\.[\w-]+\.[\w-]{80,}", text)]
    assert len(others) == 2, "a receipt and a statement"
    for token in (ann.token, *others):
        await assert_refused(ann, token, "token_invalid")
    for token in (order_token, *others):
        headers = {"Authorization": f"Bearer {token}", "X-Cust-Id": "ann"}
        assert (await ann.shop.http.get("/v1/wallet", headers=headers)).status_code == 401


def sealed_as(ann: Buyer, header: dict[str, Any], plaintext: bytes) -> str:
    """A token under the deployment's own key, but under another header, as only an insider could make it."""
    from lingdang.checkout.order_token import _Key

    kid, secret = ann.shop.keyring.current("order-token", 64)
    key = _Key(secret)
    written = to_base64url(msgspec.json.encode({**header, "kid": kid}, order="sorted"))
    iv, ciphertext = key.encrypt(plaintext)
    tag = key.tag(written, iv, ciphertext)
    return b".".join((written, b"", *map(to_base64url, (iv, ciphertext, tag)))).decode()


PLAIN = {"alg": "dir", "enc": "A256CBC-HS512", "typ": "order+jwe"}


@pytest.mark.parametrize(
    "header",
    [
        PLAIN | {"zip": "DEF"},
        PLAIN | {"alg": "none"},
        PLAIN | {"alg": "A256KW"},
        PLAIN | {"alg": "PBES2-HS512+A256KW", "p2c": 2**31, "p2s": "c2FsdA"},
        PLAIN | {"enc": "A128CBC-HS256"},
        PLAIN | {"enc": "none"},
        PLAIN | {"typ": "session+jwt"},
        PLAIN | {"crit": ["exp"]},
        PLAIN | {"jku": "http://127.0.0.1:1/keys"},
        PLAIN | {"jwk": {"kty": "oct", "k": ""}},
    ],
    ids=lambda header: "-".join(str(v)[:12] for k, v in header.items() if PLAIN.get(k) != v),
)
async def test_another_header_is_refused_even_when_its_mac_is_right(ann: Buyer, header: dict[str, Any]) -> None:
    await assert_refused(ann, sealed_as(ann, header, zlib.compress(b"0" * 2**20)), "token_invalid")


async def test_nothing_is_ever_unpacked(ann: Buyer) -> None:
    """A bomb of 200 MB in 200 kB, rightly sealed, is refused as fast as any other token."""
    bomb = sealed_as(ann, PLAIN | {"zip": "DEF"}, zlib.compress(b"0" * 200_000_000, 9)[:180_000])
    started = time.process_time()
    await assert_refused(ann, bomb, "token_invalid")
    assert time.process_time() - started < 2, "unpacking it takes longer"


@pytest.mark.parametrize("length", [MAX_TOKEN_LENGTH, MAX_TOKEN_LENGTH + 1, 3 * MAX_TOKEN_LENGTH])
async def test_huge_tokens(ann: Buyer, length: int) -> None:
    await assert_refused(ann, "a" * length, "token_invalid", "invalid_request", "body_too_large")


@pytest.mark.parametrize("dots", [0, 1, 3, 5, 100_000])
async def test_any_number_of_dots(ann: Buyer, dots: int) -> None:
    await assert_refused(ann, "." * dots, "token_invalid")


@pytest.mark.parametrize("text", ["\u0000", "\U0001f600", "ﬁ", "İ", "=", "+/", "%2e", " "])
async def test_characters_that_other_decoders_would_forgive(ann: Buyer, text: str) -> None:
    token = await token_of(ann, "book-1")
    for changed in (token + text, text + token, token.replace(".", text, 1)):
        before = books(ann.shop)
        body = ann.payment(await token_of(ann, "book-1"), ["book-1"])
        answer: httpx.Response = await ann.send(body | {"orderToken": changed})
        assert answer.json()["code"] == "token_invalid"
        assert books(ann.shop) == before
