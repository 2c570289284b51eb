"""The page of a product: with a head of its own where the catalogue is public, and the same document elsewhere."""

import gzip
import json
import re
from collections.abc import AsyncIterator

import pytest

from lingdang.keys import Keyring
from lingdang.web.assets import STATIC
from support.buyer import stock
from support.shop import Shop, open_shop

DOCUMENT = (STATIC / "index.html").read_text(encoding="utf-8")
EVIL = '</script><script>alert(1)</script>"><img src=x>'


@pytest.fixture
async def public(database_url: str, keyring: Keyring) -> AsyncIterator[Shop]:
    async with open_shop(database_url, keyring, public_catalogue=True, public_url="https://shop.example") as shop:
        yield shop


async def test_a_public_product_is_described_in_its_page(public: Shop) -> None:
    stock(public, "emma", price=300)
    public.sql("UPDATE product SET title = %s, intro = 'Handsome, clever, and rich.'", (EVIL,))
    answer = await public.http.get("/products/emma")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', answer.text)
    assert found is not None
    linked = json.loads(found[1])
    assert (linked["name"], linked["url"]) == (EVIL, "https://shop.example/products/emma")
    assert (linked["offers"]["price"], linked["offers"]["priceCurrency"]) == (300, "BELL")
    assert '<meta name="description" content="Handsome, clever, and rich." />' in answer.text
    assert '<link rel="canonical" href="https://shop.example/products/emma" />' in answer.text
    assert "alert(1)</script>" not in answer.text
    assert "<img" not in answer.text


async def test_its_policy_is_as_strict_as_that_of_any_page(public: Shop) -> None:
    stock(public, "emma", price=300)
    said, usual = (await public.http.get("/products/emma")).headers, (await public.http.get("/")).headers
    for name in ("content-security-policy", "x-content-type-options", "referrer-policy", "cache-control"):
        assert said.get_list(name) == usual.get_list(name)


async def test_what_is_known_of_it_is_not_sent_again_until_it_changes(public: Shop) -> None:
    stock(public, "emma", price=300)
    first = await public.http.get("/products/emma")
    known = {"If-None-Match": first.headers["etag"]}
    assert (await public.http.get("/products/emma", headers=known)).status_code == 304
    async with public.http.stream("GET", "/products/emma", headers={"Accept-Encoding": "gzip"}) as answer:
        raw = b"".join([chunk async for chunk in answer.aiter_raw()])
    assert gzip.decompress(raw) == first.content
    public.sql("UPDATE product SET price = 301")
    again = await public.http.get("/products/emma", headers=known)
    assert again.status_code == 200
    assert '"price":301' in again.text


@pytest.mark.parametrize(
    "path", ["/products/no-such-book", "/products/%3Cb%3E", "/products/%00", "/products/" + "x" * 300]
)
async def test_a_product_that_there_is_not_has_a_page_that_says_so(public: Shop, path: str) -> None:
    answer = await public.http.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert answer.text == DOCUMENT


async def test_a_withdrawn_product_says_so(public: Shop) -> None:
    stock(public, "emma")
    public.sql("UPDATE product SET status = 'withdrawn'")
    answer = await public.http.get("/products/emma")
    assert answer.status_code == 200
    assert "https://schema.org/Discontinued" in answer.text


async def test_where_the_catalogue_is_not_public_the_page_tells_nothing(shop: Shop) -> None:
    stock(shop, "emma")
    for path in ("/products/emma", "/products/no-such-book"):
        answer = await shop.http.get(path)
        assert (answer.status_code, answer.text) == (200, DOCUMENT)


async def test_the_pages_are_told_that_it_is_public(public: Shop) -> None:
    assert (await public.http.get("/static/config.json")).json()["publicCatalogue"] is True
